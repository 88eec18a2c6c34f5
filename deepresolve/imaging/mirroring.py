"""Left and right: the one mirroring that turns a knee into a knee.

What is medial or lateral stays so, for it is counted from the body's middle. What is
named left or right does not: those classes change places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from deepresolve.imaging.volume import Volume

_OPPOSITES = {"left": "right", "Left": "Right", "LEFT": "RIGHT"}
_OPPOSITES |= {there: here for here, there in _OPPOSITES.items()}
# Not within a word; "left_meniscus" counts, "cleft" does not.
_SIDE = re.compile(rf"(?<![A-Za-z])({'|'.join(_OPPOSITES)})(?![A-Za-z])")


def left_right_axis(volume: Volume) -> int:
    """The axis of the volume's array that lies nearest to the patient's left-right."""
    return next(axis for axis, code in enumerate(volume.orientation) if code in "LR")


def mirrored_classes(class_names: Sequence[str]) -> tuple[int, ...]:
    """The class that each becomes in a mirror; also its channel of probabilities.

    Args:
      class_names: the n-th, from 1, is n in a label map; 0 is the background.

    Returns:
      One number for each class, the background first: "left femur" and "right femur"
      change places, all others stay.

    Raises:
      ValueError: a class has a side and its counterpart is not among the classes.
    """
    numbers = [0]
    for name in class_names:
        opposite = _SIDE.sub(lambda found: _OPPOSITES[found[0]], name)
        if opposite not in class_names:
            raise ValueError(
                f"In a mirror the class {name!r} becomes {opposite!r}, which is none "
                f"of the classes {tuple(class_names)}. Add it, merge the two, or do "
                "without mirroring: --norandom_mirror in training, no --flips after it."
            )
        numbers.append(1 + class_names.index(opposite))
    return tuple(numbers)
