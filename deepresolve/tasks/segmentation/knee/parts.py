"""What classes of a knee are, by their names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

CARTILAGE, BONE, MENISCUS = "cartilage", "bone", "meniscus"
_KINDS = (("cartilage", CARTILAGE), ("menisc", MENISCUS))
_BONES = (
    *(("femor", "femur"), ("femur", "femur"), ("tibia", "tibia")),
    *(("patell", "patella"), ("fibul", "fibula")),
)
_SIDE = re.compile(r"(?<![a-z])(medial|lateral)(?![a-z])")


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


def part(name: str) -> Part | None:
    """What a class is; None of a name that is not understood.

    Args:
      name: "femoral cartilage", "Medial Meniscus", "tibia", ...
    """
    words = name.lower()
    sides = set(_SIDE.findall(words))
    side = sides.pop() if len(sides) == 1 else ""
    bone = next((bone for word, bone in _BONES if word in words), "")
    kind = next((kind for word, kind in _KINDS if word in words), "")
    if kind == MENISCUS:
        return Part(kind, "", side)
    if kind == CARTILAGE:
        return Part(kind, bone, side) if bone else None
    # "tibial" alone, or "femoral artery", is no bone.
    is_bone = any(re.search(rf"(?<![a-z]){bone}(?![a-z])", words) for _, bone in _BONES)
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
    found = {value: part(name) for value, name in enumerate(class_names, start=1)}
    return {value: of for value, of in found.items() if of is not None}
