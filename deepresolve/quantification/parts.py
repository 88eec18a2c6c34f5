"""What classes of a knee are, by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

CARTILAGE, BONE, MENISCUS = "cartilage", "bone", "meniscus"
_MENISCI = {"meniscus", "menisci", "meniscal"}
_BONES = {
    "femur": {"femur", "femoral"},
    "tibia": {"tibia", "tibial"},
    "patella": {"patella", "patellar"},
    "fibula": {"fibula", "fibular"},
}
_BESIDE_BONES = {"bone", "the", "of", "left", "right", "medial", "lateral"}
_BESIDE_BONES |= {"distal", "proximal"}
_BESIDE_CARTILAGE = {"cartilage", "articular", "the", "of", "left", "right"}
_BESIDE_CARTILAGE |= {"medial", "lateral"}


class Part(NamedTuple):
    """A part of the knee.

    Attributes:
      kind: "cartilage", "bone" or "meniscus".
      bone: that it is, or that it lies on: "femur", "tibia", "patella", "fibula"; of a
        meniscus none.
      side: "medial" or "lateral"; none where it has both, or neither.
    """

    kind: str
    bone: str = ""
    side: str = ""

    def is_opposite(self, other: Part | None) -> bool:
        """Whether the other is the same on the other side of the knee."""
        if other is None or not self.side or not other.side:
            return False
        return self.side != other.side and self[:2] == other[:2]

    def lies_on(self, bone: Part) -> bool:
        """Whether it is cartilage of that bone, or of that part of it."""
        return (self.kind, bone.kind, self.bone) == (CARTILAGE, BONE, bone.bone)


def part(name: str) -> Part | None:
    """What a class is; None of a name that is not understood, or of several tissues.

    Args:
      name: "femoral cartilage", "Medial Meniscus", "tibia", "femoral bone", ...
    """
    words = set(re.findall("[a-z]+", name.lower()))
    sides = words & {"medial", "lateral"}
    side = sides.pop() if len(sides) == 1 else ""
    if words & _MENISCI:
        return None if "cartilage" in words else Part(MENISCUS, "", side)
    bones = {bone for bone, names in _BONES.items() if words & names}
    if len(bones) != 1:
        return None
    (bone,) = bones
    if "cartilage" in words:
        is_all = words <= _BONES[bone] | _BESIDE_CARTILAGE
        return Part(CARTILAGE, bone, side) if is_all else None
    # "tibial" alone is none, nor is what has words beside, as "femoral artery".
    is_bone = words & {bone, "bone"} and words <= _BONES[bone] | _BESIDE_BONES
    return Part(BONE, bone, side) if is_bone else None


def pairs(known: Mapping[int, Part]) -> list[tuple[int, int]]:
    """Values of a medial part and of the same on the lateral side."""
    return [
        (value, other)
        for value, part in known.items()
        for other, opposite in known.items()
        if part.side == "medial" and part.is_opposite(opposite)
    ]


def parts(class_names: Sequence[str]) -> dict[int, Part]:
    """By value in a label map, of the classes whose names are understood."""
    return parts_of(dict(enumerate(class_names, start=1)))


def parts_of(label_names: Mapping[int, str]) -> dict[int, Part]:
    """By value in a label map, of the labels whose names are understood."""
    found = {value: part(name) for value, name in label_names.items()}
    return {value: of for value, of in found.items() if of is not None}
