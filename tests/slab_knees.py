"""Knees of slabs with a bright lesion at a known place, and records of them."""

import dataclasses
import hashlib
from typing import ClassVar

import numpy as np
from nibabel.affines import apply_affine

from deepresolve.imaging.volume import Volume, affine_along_axes
from records import conversion
from records.subject import Brings, Scan, Subject

SPACING_MM = (0.75, 0.75, 1.0)
LABEL_NAMES = {
    **{2: "medial tibial cartilage", 3: "lateral tibial cartilage", 6: "tibia"},
    **{7: "medial meniscus", 8: "lateral meniscus"},
}
NAMES_FLAG = ",".join(f"{value}={name}" for value, name in LABEL_NAMES.items())
# First slices of the plates: the right knee's medial one is to the patient's left.
_FIRST_OF = {3: 6, 2: 38}


@dataclasses.dataclass(frozen=True, eq=False)
class SlabKnee:
    """A right knee: two plates of 3 mm on a tibia, and a meniscus above each.

    Attributes:
      scan: noise around the brightness of each tissue; a lesion is brighter than all.
      label: `LABEL_NAMES`.
      lesion: 1 in a cartilage lesion, 2 in a tear of the meniscus above it.
      place_mm: the middle of the cartilage lesion in the world; None without one.
    """

    scan: Volume
    label: Volume
    lesion: Volume
    place_mm: np.ndarray | None


def slab_knee(seed, plate=None):
    """A knee whose plate of that value, 2 or 3, has a lesion; None: neither has.

    The meniscus above it is torn, too high to be seen in a piece of the cartilage.
    """
    random = np.random.default_rng(seed)
    array = np.zeros((44, 50, 70), np.uint8)  # Down, back, to the left.
    array[24:] = 6
    for value, first in _FIRST_OF.items():
        array[20:24, 8:42, first : first + 26] = value
        array[4:12, 14:36, first + 2 : first + 24] = {2: 7, 3: 8}[value]
    bright = np.select([array == 6, array > 6, array > 0], [60, 40, 120], 20)
    scan = bright + random.normal(0, 4, array.shape)
    lesion, place_mm = np.zeros_like(array), None
    if plate is not None:
        first = _FIRST_OF[plate]
        back, left = random.integers((12, first + 4), (34, first + 18))
        box = (slice(20, 24), slice(back, back + 5), slice(left, left + 4))
        lesion[box] = 1
        lesion[5:9, 20:26, first + 8 : first + 14] = 2
        scan[lesion > 0] += 200
        middle = [(s.start + s.stop - 1) / 2 for s in box]
    grid = Volume(array, affine_along_axes("IPL", SPACING_MM))
    if plate is not None:
        place_mm = apply_affine(grid.affine, middle)
    image = np.rint(np.maximum(scan, 0)).astype(np.int16)
    return SlabKnee(grid.with_array(image), grid, grid.with_array(lesion), place_mm)


@dataclasses.dataclass(frozen=True)
class SlabSubject(Subject):
    """One knee, made when it is loaded."""

    seed: int = 0
    plate: int | None = None

    @property
    def source(self):
        return f"slab {self.seed}"

    @property
    def num_bytes(self):
        return 44 * 50 * 70 * 4

    def hashes(self):
        digest = hashlib.sha256(f"{self.seed} {self.plate}".encode()).hexdigest()
        return digest, digest

    def load(self):
        knee = slab_knee(self.seed, self.plate)
        torn = {f"{side}_tear": int(self.plate == v) for side, v in _SIDES.items()}
        return Scan(knee.scan, knee.label, {"lesion": knee.lesion}, torn)


_SIDES = {"medial": 2, "lateral": 3}


@dataclasses.dataclass(frozen=True)
class SlabKnees:
    """So many knees of each split; the plates take turns, and every third is whole."""

    brings: ClassVar[Brings] = Brings(
        ("lesion",), {"medial_tear": int, "lateral_tear": int}
    )
    num: tuple = (("train", 1),)
    label_names: dict = dataclasses.field(default_factory=lambda: LABEL_NAMES)

    def describe(self):
        return []

    def subjects(self, seed):
        number = 0
        for split, count in self.num:
            for _ in range(count):
                plate = (2, 3, None)[number % 3]
                name = f"{split}-{number}"
                yield SlabSubject(name, f"p{number}", "right", split, number, plate)
                number += 1


def write_slab_knees(folder, **num):
    """Records of `SlabKnees`, by split how many; returns their folder."""
    dataset = SlabKnees(tuple(num.items()))
    conversion.convert(conversion.Recipe("slabs", dataset), str(folder))
    return folder
