"""Cutting the knees of a set of records into pieces."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from nibabel.affines import apply_affine

import deepresolve
from deepresolve.imaging.volume import Volume
from deepresolve.quantification import crops, sites
from deepresolve.quantification.crops import CropKind
from deepresolve.quantification.knee import KneeMeasures, measure
from deepresolve.quantification.sites import Site
from deepresolve.system import pool
from records import manifest, reader
from records.manifest import Manifest, Shard
from records.stored import StoredSubject
from records.subject import Scan, Subject

if TYPE_CHECKING:
    from records.datasets.rois import Rois

LESION = "lesion"
# Values of the array `lesion` (`simulation.phantom.lesions`).
_VALUES = {"cartilage": 1, "menisci": 2}
_MENISCI = ("MM", "LM")
# Processes that measure knees, as many as write shards where nobody says how many: each
# holds a knee, and what is measured of it, in memory.
_NUM_WORKERS = 2


@dataclasses.dataclass(frozen=True)
class Piece(Subject):
    """One piece, in memory: a few thousand voxels.

    Attributes:
      voxels: its bytes, in C order.
      dtype: of its voxels.
      scalars: by name, as `Rois.brings` has them.
      knee_sha256: of the knee's source, and of its label map's.
    """

    voxels: bytes = b""
    dtype: str = "int16"
    scalars: tuple[tuple[str, float | int | str], ...] = ()
    knee_sha256: tuple[str, str] = ("", "")

    @property
    def kind(self) -> CropKind:
        """How large it is."""
        return crops.KINDS[str(dict(self.scalars)["roi"])]

    @property
    def source(self) -> str:
        """The knee, and where in it."""
        told = dict(self.scalars)
        return f"{told['knee']}, {told['region'] or told['place']}"

    @property
    def grades(self) -> Mapping[str, int]:
        """Whether there is a lesion."""
        return {LESION: int(dict(self.scalars)[LESION])}

    @property
    def num_bytes(self) -> int:
        """Bytes of its voxels."""
        return len(self.voxels)

    def hashes(self) -> tuple[str, str]:
        """A hash of the voxels and of the version of the code that placed them."""
        digest = hashlib.sha256(self.voxels)
        told = [*self.knee_sha256, self.id, deepresolve.__version__]
        digest.update(json.dumps(told).encode())
        return digest.hexdigest(), ""

    def load(self) -> Scan:
        """The piece as a scan."""
        array = np.frombuffer(self.voxels, self.dtype).reshape(self.kind.shape)
        return Scan(self.kind.volume(array), scalars=dict(self.scalars))


def describe(settings: Rois) -> list[str]:
    """How many knees there are."""
    described = manifest.load(settings.source)
    return [f"{sum(described.counts.values())} knees, cut along {settings.regions}"]


def find(settings: Rois, seed: int) -> Iterator[Piece]:
    """The pieces, knee by knee.

    Args:
      settings: what is cut, and where.
      seed: draws the pieces without a lesion that training knees keep.

    Raises:
      FileNotFoundError: there are no records.
      ValueError: they have no label maps, or nothing that tells of lesions; a knee
        cannot be measured; or the seed is below 0.
    """
    if seed < 0:
        raise ValueError(f"seed must be 0 or above; got {seed}.")
    cutter = _Cutter(settings, seed, manifest.load(settings.source))
    places = [
        (shard, number)
        for shard in cutter.described.all_shards
        for number in range(shard.num_subjects)
    ]
    knees = [_Knee(place, *of) for place, of in enumerate(places)]
    cut: dict[int, list[Piece]] = {}
    following = 0
    for place, pieces in pool.answers(cutter, knees, _NUM_WORKERS):
        cut[place] = pieces
        while following in cut:
            yield from cut.pop(following)
            following += 1


class _Knee(NamedTuple):
    """One of the knees of a set of records.

    Attributes:
      place: among them all, from 0.
      shard: where it is.
      number: in the shard, from 0.
    """

    place: int
    shard: Shard
    number: int


@dataclasses.dataclass(frozen=True)
class _Cutter:
    """Cuts a knee, in a process that has loaded this module.

    Attributes:
      settings: what is cut, and where.
      seed: draws the pieces without a lesion that training knees keep.
      described: the manifest of the knees.
    """

    settings: Rois
    seed: int
    described: Manifest

    def __call__(self, which: _Knee) -> tuple[int, list[Piece]]:
        """The place of a knee, and its pieces."""
        records_dir = self.settings.source
        stored = reader.read_shard(records_dir, self.described, which.shard)
        knee = next(itertools.islice(stored, which.number, None))
        try:
            return which.place, self._of_knee(knee, which.shard.split)
        except ValueError as error:
            raise ValueError(
                f"{records_dir}, subject {knee.subject!r}: {error}"
            ) from error

    def _of_knee(self, knee: StoredSubject, split: str) -> list[Piece]:
        label_names, most = self.described.label_names, self.settings.most_without
        pieces = list(_pieces(knee, label_names, self.settings, split))
        if split != "train" or most is None:
            return pieces
        random = np.random.default_rng([self.seed, *knee.subject.encode()])
        return _thinned(pieces, most, random)


def _thinned(
    found: Sequence[Piece], most: int, random: np.random.Generator
) -> list[Piece]:
    """All pieces with a lesion, and at most so many without, in their order."""
    without = [number for number, of in enumerate(found) if not of.grades[LESION]]
    drawn = random.permutation(without)[:most]
    return [of for n, of in enumerate(found) if of.grades[LESION] or n in drawn]


def _pieces(
    knee: StoredSubject, label_names: Mapping[int, str], settings: Rois, split: str
) -> Iterator[Piece]:
    if knee.label is None:
        raise ValueError("it has no label map, which says where pieces lie.")
    side = knee.side if knee.side in ("left", "right") else ""
    measured = measure(knee.label, label_names, known_side=side)
    kind = crops.KINDS[settings.regions]
    found = kind.find(measured, knee.label, label_names)
    lesions = _lesions(knee, measured, label_names, settings, found)
    for number, (site, lesion) in enumerate(zip(found, lesions, strict=True)):
        if lesion is not None:
            array = crops.cut(knee.image, site, kind).array
            x_mm, y_mm, z_mm = map(float, site.centre_mm)
            scalars: dict[str, float | int | str] = {
                **{LESION: int(lesion), "roi": settings.regions, "knee": knee.subject},
                **{"place": site.place, "region": site.region},
                **{"x_mm": x_mm, "y_mm": y_mm, "z_mm": z_mm},
            }
            yield Piece(
                id=f"{knee.subject}_{site.place}_{number:04d}",
                person=knee.person,
                side=knee.side,
                split=split,
                voxels=array.tobytes(),
                dtype=array.dtype.str,
                scalars=tuple(scalars.items()),
                knee_sha256=(knee.source_sha256, knee.label_sha256),
            )


def _lesions(
    knee: StoredSubject,
    measured: KneeMeasures,
    label_names: Mapping[int, str],
    settings: Rois,
    found: Sequence[Site],
) -> Sequence[bool | None]:
    """Whether each site has a lesion; None where nobody knows."""
    if settings.meniscus_grades:
        names = dict(zip(_MENISCI, settings.meniscus_grades, strict=True))
        return [_grade(knee, names[site.place]) for site in found]
    if LESION not in knee.arrays:
        raise ValueError(
            f"it has no array {LESION!r} that tells of lesions; it has "
            f"{', '.join(knee.arrays)}. With --regions=menisci, --meniscus_grades "
            "names scalars that do."
        )
    lesion = cast(Volume, knee.arrays[LESION])
    voxels = np.argwhere(lesion.array == _VALUES[settings.regions])
    lesion_mm = apply_affine(lesion.affine, voxels)
    if settings.regions == "cartilage":
        return sites.have_cartilage_lesion(measured, found, lesion_mm)
    label = cast(Volume, knee.label)
    return sites.have_meniscal_tear(label, label_names, found, lesion_mm)


def _grade(knee: StoredSubject, name: str) -> bool | None:
    value = knee.scalars.get(name)
    if isinstance(value, str):
        raise ValueError(f"its scalar {name!r} is the text {value!r}; expected 0 or 1.")
    return None if value is None else value > 0
