"""Which knee it is: told by the anatomy, checked against what else is known."""

from __future__ import annotations

import numpy as np

from deepresolve.imaging.volume import Volume

SIDES = ("right", "left")
# Half of what lies between the middles of a lying patient's knees is more than this; a
# knee that lies nearer to the scanner's middle was brought there.
_APART_MM = 40.0


def side(
    sagittal: Volume, medial_first: bool, known_side: str
) -> tuple[str, tuple[str, ...]]:
    """The side of a knee, and where something else says otherwise.

    Args:
      sagittal: the label map, with slices from the patient's right to the left.
      medial_first: whether medial comes first along its slices.
      known_side: what tags say: "right", "left", or "".

    Returns:
      "right" or "left", and notes.

    Raises:
      ValueError: another `known_side`.
    """
    if known_side not in ("", *SIDES):
        raise ValueError(f"A knee is 'right' or 'left'; got {known_side!r}.")
    by_anatomy = "left" if medial_first else "right"
    notes = []
    if known_side and known_side != by_anatomy:
        notes.append(
            f"Medial lies where it does in a {by_anatomy} knee, and the scan's tags "
            f"say {known_side}: one of them is wrong, or the image is mirrored."
        )
    centre = sagittal.affine @ [*((np.array(sagittal.shape) - 1) / 2), 1]
    by_place = "right" if centre[0] > 0 else "left"
    if abs(centre[0]) > _APART_MM and by_place != by_anatomy:
        notes.append(
            f"Medial lies where it does in a {by_anatomy} knee, and the scan lies "
            f"{abs(centre[0]):.0f} mm to the {by_place} of the scanner's middle: are "
            "right and left swapped in the image, or medial and lateral in the labels?"
        )
    return by_anatomy, tuple(notes)
