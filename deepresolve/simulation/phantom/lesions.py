"""What may be wrong with a synthetic knee: lesions of known kind, size and place.

    drawn = [lesions.draw(kind, seed=7) for kind in lesions.KINDS]
    knee(seed=7, lesions=drawn)                 # the knee of seed 7, and what it has
    knee(seed=7, lesions=[CartilageLesion(region="patella", depth=0.5, width_mm=6)])

A lesion is described without a knee: its region, and where in it. What it does to a
knee says `damage`. Sizes and shares of regions are ours where no source is named.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeAlias

import numpy as np

# What bears cartilage, and may have a marrow lesion under it.
REGIONS = (
    *("medial femoral condyle", "lateral femoral condyle", "trochlea"),
    *("medial tibial plateau", "lateral tibial plateau", "patella"),
)
MENISCI = ("medial meniscus", "lateral meniscus")
ZONES = ("anterior horn", "body", "posterior horn")
ORIENTATIONS = ("horizontal", "vertical", "radial")

# Streams of random numbers: none is the anatomy's.
_STREAM = {"cartilage": 80, "meniscus": 81, "marrow": 82}
# From so deep on the bone is bare.
_FULL_DEPTH = 0.999


@dataclasses.dataclass(frozen=True, kw_only=True)
class _OnBone(abc.ABC):
    """Where on a bone a lesion lies.

    Attributes:
      region: one of `REGIONS`.
      along: place in the region, from -1 to 1: to the back or down, to the front or up.
      across: the same, from its medial to its lateral end.
    """

    kind: ClassVar[str]

    region: str
    along: float = 0.0
    across: float = 0.0

    def __post_init__(self) -> None:
        _check_name("region", self.region, REGIONS)
        _check_range("along", self.along, -1.0, 1.0)
        _check_range("across", self.across, -1.0, 1.0)

    @abc.abstractmethod
    def describe(self) -> str:
        """Kind, size and region, for people to read."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CartilageLesion(_OnBone):
    """A round defect of the articular cartilage, filled with fluid.

    Its wall is a smooth slope 1.5 mm wide; half way down it the defect is `width_mm`
    wide. WORMS calls a defect below 10 mm focal (Peterfy et al., Osteoarthritis
    Cartilage 2004;12:177).

    Attributes:
      region: one of `REGIONS`.
      depth: share of the cartilage's thickness that is gone, above 0 to 1.
      width_mm: diameter, from 2 to 20.
      along: place in the region, from -1 to 1: to the back or down, to the front or up.
      across: the same, from its medial to its lateral end.

    Raises:
      ValueError: an attribute is out of its range.
    """

    kind: ClassVar[str] = "cartilage"

    depth: float
    width_mm: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range("depth", self.depth, 0.01, 1.0)
        _check_range("width_mm", self.width_mm, 2.0, 20.0)

    @property
    def grade(self) -> int:
        """2 below half of the thickness, 3 from there on, 4 where bone is bare.

        As MRI is read after Outerbridge (J Bone Joint Surg Br 1961;43:752); grade 1,
        soft but whole cartilage, has no shape.
        """
        if self.depth >= _FULL_DEPTH:
            return 4
        return 3 if self.depth >= 0.5 else 2

    def describe(self) -> str:
        """Kind, size and region, for people to read."""
        size = f"{self.depth:.0%} of the thickness, {self.width_mm:.1f} mm wide"
        return f"cartilage lesion of grade {self.grade}, {self.region}: {size}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class MeniscalTear:
    """A cleft through a meniscus, filled with fluid, that reaches its surface.

    On MRI a tear is bright signal that meets an articular surface (grade 3 of Stoller
    et al., Radiology 1987;163:731). A horizontal one runs midway between the articular
    surfaces and opens at the free edge; a vertical one follows the rim, half way to the
    free edge, from the upper surface to the lower; a radial one crosses the free edge.

    Attributes:
      meniscus: one of `MENISCI`.
      zone: one of `ZONES`.
      orientation: one of `ORIENTATIONS`.
      width_mm: of the cleft, from one lip to the other, from 0.2 to 4.
      extent_mm: of a horizontal or radial tear, from the free edge towards the rim; of
        a vertical one, along the rim.
      along: place in the zone, from -1 at its back to 1 at its front.

    Raises:
      ValueError: an attribute is out of its range.
    """

    kind: ClassVar[str] = "meniscus"

    meniscus: str
    zone: str
    orientation: str
    width_mm: float
    extent_mm: float = 6.0
    along: float = 0.0

    def __post_init__(self) -> None:
        _check_name("meniscus", self.meniscus, MENISCI)
        _check_name("zone", self.zone, ZONES)
        _check_name("orientation", self.orientation, ORIENTATIONS)
        _check_range("width_mm", self.width_mm, 0.2, 4.0)
        _check_range("extent_mm", self.extent_mm, 1.0, 20.0)
        _check_range("along", self.along, -1.0, 1.0)

    @property
    def region(self) -> str:
        """The meniscus and the zone of it: "medial meniscus, posterior horn"."""
        return f"{self.meniscus}, {self.zone}"

    def describe(self) -> str:
        """Kind, size and region, for people to read."""
        return (
            f"{self.orientation} meniscal tear, {self.region}: {self.width_mm:.1f} mm "
            f"wide, {self.extent_mm:.1f} mm long"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class MarrowLesion(_OnBone):
    """A bright, ill-defined ball in the marrow that abuts on the subchondral bone.

    Attributes:
      region: one of `REGIONS`; the ball lies under its cartilage.
      diameter_mm: where its signal is half way to that of the marrow, from 3
        to 30.
      along: place in the region, from -1 to 1: to the back or down, to the front or up.
      across: the same, from its medial to its lateral end.

    Raises:
      ValueError: an attribute is out of its range.
    """

    kind: ClassVar[str] = "marrow"

    diameter_mm: float

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range("diameter_mm", self.diameter_mm, 3.0, 30.0)

    def describe(self) -> str:
        """Kind, size and region, for people to read."""
        return f"marrow lesion, {self.region}: {self.diameter_mm:.1f} mm across"


Lesion: TypeAlias = CartilageLesion | MeniscalTear | MarrowLesion


@dataclasses.dataclass(frozen=True)
class Finding:
    """A lesion in a knee.

    Attributes:
      lesion: as it was asked for.
      place_mm: its middle (x, y, z) in world millimetres, RAS+.
    """

    lesion: Lesion
    place_mm: tuple[float, float, float]


def draw(kind: str, seed: int) -> Lesion:
    """The lesion of a kind that belongs to a seed; the anatomy of the seed stays.

    Args:
      kind: one of `KINDS`.
      seed: 0 or above.

    Raises:
      ValueError: the kind is not known, or the seed is no whole number from 0.
    """
    _check_name("kind", kind, KINDS)
    if seed != int(seed) or seed < 0:
        raise ValueError(f"seed must be a whole number, 0 or above; got {seed}.")
    return _DRAWN[kind](_random(kind, seed))


def occurs(kind: str, seed: int, share: float) -> bool:
    """Whether the knee of a seed is one of the share that has a lesion of a kind.

    A larger share adds knees to those of a smaller one, and changes no lesion.

    Args:
      kind: one of `KINDS`.
      seed: 0 or above.
      share: from 0 to 1.
    """
    _check_name("kind", kind, KINDS)
    return bool(np.random.default_rng((seed, _STREAM[kind], 1)).uniform() < share)


def _random(kind: str, seed: int) -> np.random.Generator:
    return np.random.default_rng((seed, _STREAM[kind]))


def _draw_cartilage(random: np.random.Generator) -> CartilageLesion:
    """A third of grade 2, 3 and 4 each: 3 to 10 mm wide, anywhere."""
    region = str(random.choice(REGIONS))
    grade = random.integers(2, 5)
    within = random.uniform()
    return CartilageLesion(
        region=region,
        depth={2: 0.25 + 0.24 * within, 3: 0.5 + 0.4 * within, 4: 1.0}[int(grade)],
        width_mm=float(random.uniform(3.0, 10.0)),
        along=float(random.uniform(-1, 1)),
        across=float(random.uniform(-1, 1)),
    )


def _draw_tear(random: np.random.Generator) -> MeniscalTear:
    """More often in the posterior horn than elsewhere: 0.5 to 2 mm wide."""
    return MeniscalTear(
        meniscus=str(random.choice(MENISCI, p=(0.6, 0.4))),
        zone=str(random.choice(ZONES, p=(0.2, 0.3, 0.5))),
        orientation=str(random.choice(ORIENTATIONS)),
        width_mm=float(random.uniform(0.5, 2.0)),
        extent_mm=float(random.uniform(3.0, 7.0)),
        along=float(random.uniform(-1, 1)),
    )


def _draw_marrow(random: np.random.Generator) -> MarrowLesion:
    """5 to 18 mm across, anywhere."""
    return MarrowLesion(
        region=str(random.choice(REGIONS)),
        diameter_mm=float(random.uniform(5.0, 18.0)),
        along=float(random.uniform(-1, 1)),
        across=float(random.uniform(-1, 1)),
    )


_DRAWN: dict[str, Callable[[np.random.Generator], Lesion]] = {
    CartilageLesion.kind: _draw_cartilage,
    MeniscalTear.kind: _draw_tear,
    MarrowLesion.kind: _draw_marrow,
}
KINDS = tuple(_DRAWN)


def _check_name(what: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}; got {value!r}.")


def _check_range(what: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(f"{what} must lie in {low:g}..{high:g}; got {value:g}.")
