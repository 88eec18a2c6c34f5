"""Synthetic knees, for demos and tests: labelled, seeded, nobody's."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np

import deepresolve
from deepresolve.system import entry
from records.settings import length, lengths, setting, share, texts, whole_numbers
from records.subject import Brings, Scan, Subject

if TYPE_CHECKING:  # Heavy, and this file is imported for --help.
    from deepresolve.simulation.phantom.lesions import Finding, Lesion

# The tissues whose thickness is told.
_CARTILAGES = (
    *("femoral cartilage", "medial tibial cartilage", "lateral tibial cartilage"),
    "patellar cartilage",
)
_PLACE = {"x_mm": float, "y_mm": float, "z_mm": float, "region": str}
# By the kind of lesion (`simulation.phantom.lesions.KINDS`): the scalar that is 1 where
# there is one, and what else is told of it, each as that scalar's name and a word more.
_LESIONS: dict[str, tuple[str, dict[str, type]]] = {
    "cartilage": (
        "cartilage_lesion",
        {"grade": int, "depth": float, "width_mm": float, **_PLACE},
    ),
    "meniscus": (
        "meniscal_tear",
        {"width_mm": float, "extent_mm": float, "orientation": str, **_PLACE},
    ),
    "marrow": ("marrow_lesion", {"diameter_mm": float, **_PLACE}),
}
_USUAL_SHARE = 0.5


def _scalar(tissue: str) -> str:
    return f"thickness_mm_{tissue.replace(' ', '_')}"


def _scalars_of_lesions() -> dict[str, type]:
    found: dict[str, type] = {}
    for name, told in _LESIONS.values():
        found[name] = int
        found |= {f"{name}_{word}": kind for word, kind in told.items()}
    return found


@dataclasses.dataclass(frozen=True)
class Phantom:
    """A study of synthetic knees, right and left in turn, each its own person.

    Each brings the true thickness of its cartilages: the array `thickness_mm`, float32
    mm at the voxels that a cartilage covers, along the normal of the bone below, 0
    elsewhere; and of each cartilage in the field of view the scalar
    `thickness_mm_TISSUE`, its mean over the bone that it covers. A layer over an area
    has voxels in proportion to area times thickness, so that the mean over the area is
    the harmonic mean over voxels.

    With `second_echo_ms` each brings a second spin echo: the array `second_echo`, how
    much later it comes as the scalar `echo_spacing_ms`, and `t2_ms`, float32, the true
    T2 of the voxels that a cartilage covers, 0 elsewhere.

    With `lesions` a share of the knees has a lesion of each kind, drawn from the knee's
    seed (`simulation.phantom.lesions`); each is the same knee that it is without. Each
    brings the array `lesion`, uint8: 1 in a cartilage defect, 2 in a meniscal tear, 3
    in a marrow lesion, 0 elsewhere; of each kind that was asked for a scalar that is 0
    or 1, such as `cartilage_lesion`; and where there is one, its size, region and place
    (x, y, z) in world mm. `cartilage_lesion_grade` is 0 without a lesion.

    Attributes:
      num_subjects: number of knees.
      phantom_shape: voxels of a knee to the back, down and across (slices).
      phantom_spacing_mm: distance between voxel centres along those axes, in mm.
      second_echo_ms: how much later than the image a second echo comes; None: there is
        none.
      lesions: kinds of lesions, of "cartilage", "meniscus" and "marrow".
      lesion_share: part of the knees that has a lesion of a kind, from 0 to 1, for each
        kind by itself; None: half of them.
    """

    brings: ClassVar[Brings] = Brings(
        arrays=("thickness_mm", "second_echo", "t2_ms", "lesion"),
        scalars={
            **dict.fromkeys((*map(_scalar, _CARTILAGES), "echo_spacing_ms"), float),
            **_scalars_of_lesions(),
        },
    )

    num_subjects: int = setting("N", "number of synthetic knees", parse=entry.number)
    phantom_shape: tuple[int, int, int] = setting(
        "I,J,K",
        "voxels to the back, down and across (slices)",
        parse=whole_numbers,
        default=(160, 160, 120),
    )
    phantom_spacing_mm: tuple[float, float, float] = setting(
        "I,J,K",
        "mm between voxel centres along those axes",
        parse=lengths,
        default=(0.75, 0.75, 0.75),
    )
    second_echo_ms: float | None = setting(
        "MS",
        "a second echo so many ms after the image, from which evaluate measures T2",
        parse=length,
        default=None,
    )
    lesions: tuple[str, ...] = setting(
        "KIND,...",
        f"lesions that knees may have, of {', '.join(_LESIONS)}; none by default",
        parse=texts,
        default=(),
    )
    lesion_share: float | None = setting(
        "SHARE",
        "part of the knees that has a lesion of a kind, for each kind by itself "
        f"(default: {_USUAL_SHARE})",
        parse=share,
        default=None,
    )

    def __post_init__(self) -> None:
        if self.num_subjects < 1:
            raise ValueError(f"num_subjects must be 1 or more; got {self.num_subjects}")
        if self.second_echo_ms is not None and not 0 < self.second_echo_ms < math.inf:
            raise ValueError(
                f"second_echo_ms must be finite and above 0; got {self.second_echo_ms}"
            )

        self._check_lesions()

    def _check_lesions(self) -> None:
        unknown = [kind for kind in self.lesions if kind not in _LESIONS]
        if unknown or len(set(self.lesions)) < len(self.lesions):
            raise ValueError(
                f"lesions must be some of {', '.join(_LESIONS)}, each once; got "
                f"{', '.join(self.lesions)}"
            )
        if self.lesion_share is None:
            return
        if not self.lesions:
            raise ValueError("lesion_share is a share of lesions: say which, too")
        if not 0 <= self.lesion_share <= 1:
            raise ValueError(f"lesion_share must lie in 0..1; got {self.lesion_share}")

    @property
    def label_names(self) -> dict[int, str]:
        """What each label value means."""
        from deepresolve.simulation import phantom

        return dict(phantom.LABEL_NAMES)

    def describe(self) -> list[str]:
        """How many knees will be made."""
        knees = f"{self.num_subjects} synthetic knees"
        return [
            f"{knees} with lesions of {', '.join(self.lesions)}"
            if self.lesions
            else knees
        ]

    def subjects(self, seed: int) -> Iterator[PhantomSubject]:
        """The knees that belong to `seed`: the same seed, the same knees."""
        for index in range(self.num_subjects):
            name = f"phantom-{index:04d}"
            yield PhantomSubject(
                id=name,
                person=name,
                side=("right", "left")[index % 2],
                seed=int(np.random.SeedSequence([seed, index]).generate_state(1)[0]),
                shape=self.phantom_shape,
                spacing_mm=self.phantom_spacing_mm,
                second_echo_ms=self.second_echo_ms,
                lesions=self.lesions,
                lesion_share=self._lesion_share,
            )

    @property
    def _lesion_share(self) -> float:
        return _USUAL_SHARE if self.lesion_share is None else self.lesion_share


@dataclasses.dataclass(frozen=True)
class PhantomSubject(Subject):
    """One synthetic knee, drawn when it is loaded."""

    seed: int = 0
    shape: tuple[int, int, int] = (1, 1, 1)
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    second_echo_ms: float | None = None
    lesions: tuple[str, ...] = ()
    lesion_share: float = _USUAL_SHARE

    @property
    def source(self) -> str:
        """The name and seed of the knee."""
        return f"phantom (seed {self.seed})"

    @property
    def num_bytes(self) -> int:
        """Bytes of an int16 image, a uint8 label map and a float32 thickness.

        With a second echo also those of another image and a float32 T2, with lesions
        those of a uint8 map of them.
        """
        bytes_a_voxel = 7 if self.second_echo_ms is None else 7 + 6
        bytes_a_voxel += bool(self.lesions)
        return bytes_a_voxel * int(np.prod(self.shape))

    def hashes(self) -> tuple[str, str]:
        """A hash of the settings and of the version of the code that draws it."""
        recipe = {**dataclasses.asdict(self), "deepresolve": deepresolve.__version__}
        if not self.lesions:  # As it was before there were any.
            del recipe["lesions"], recipe["lesion_share"]
        digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
        return digest, digest

    def load(self) -> Scan:
        """Draws the knee, its label map and the thickness of its cartilages."""
        from deepresolve.simulation import phantom

        knee = phantom.knee(
            seed=self.seed,
            side=self.side,
            shape=self.shape,
            spacing_mm=self.spacing_mm,
            later_ms=self.second_echo_ms or 0.0,
            lesions=self.drawn(),
        )
        value_of = {name: value for value, name in phantom.LABEL_NAMES.items()}
        found = {
            _scalar(name): knee.thickness_mm.array[knee.label.array == value_of[name]]
            for name in _CARTILAGES
        }
        arrays = {"thickness_mm": knee.thickness_mm}
        scalars: dict[str, float | int | str] = {
            name: _mean_mm(mm) for name, mm in found.items() if mm.size
        }
        if knee.second_echo is not None and self.second_echo_ms is not None:
            arrays |= {"second_echo": knee.second_echo, "t2_ms": knee.t2_ms}
            scalars["echo_spacing_ms"] = self.second_echo_ms
        if self.lesions:
            arrays["lesion"] = knee.lesion
            scalars |= _told(self.lesions, knee.findings)
        return Scan(image=knee.image, label=knee.label, arrays=arrays, scalars=scalars)

    def drawn(self) -> list[Lesion]:
        """The lesions of this knee."""
        from deepresolve.simulation.phantom import lesions

        return [
            lesions.draw(kind, self.seed)
            for kind in self.lesions
            if lesions.occurs(kind, self.seed, self.lesion_share)
        ]


def _told(
    kinds: Sequence[str], findings: Sequence[Finding]
) -> dict[str, float | int | str]:
    """Scalars on the kinds of lesion that were asked for."""
    told: dict[str, float | int | str] = {_LESIONS[kind][0]: 0 for kind in kinds}
    if "cartilage" in kinds:
        told["cartilage_lesion_grade"] = 0
    for finding in findings:
        name, words = _LESIONS[finding.lesion.kind]
        told[name] = 1
        place = dict(zip(("x_mm", "y_mm", "z_mm"), finding.place_mm, strict=True))
        for word in words:
            value = place[word] if word in place else getattr(finding.lesion, word)
            told[f"{name}_{word}"] = value
    return told


def _mean_mm(thickness_mm: np.ndarray) -> float:
    """Mean over the area of a layer, of the thickness at each of its voxels."""
    return float(1 / np.mean(1 / thickness_mm.astype(np.float64)))
