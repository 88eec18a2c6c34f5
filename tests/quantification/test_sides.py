"""Right and left knees, and who says otherwise."""

import dataclasses

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification.sides import side


def at(x_mm):
    """An empty scan whose middle lies that far to the patient's right."""
    affine = affine_along_axes("IPL", (1.0, 1.0, 1.0))
    volume = Volume(np.zeros((11, 11, 11), np.uint8), affine, slice_axis=2)
    moved = affine.copy()
    moved[0, 3] += x_mm - (affine @ [5, 5, 5, 1])[0]
    return dataclasses.replace(volume, affine=moved)


def test_medial_lies_towards_the_other_knee():
    # Slices go to the left: what comes first lies to the right.
    assert side(at(0), True, "") == ("left", ())
    assert side(at(0), False, "") == ("right", ())


def test_tags_that_disagree_are_told():
    assert side(at(0), False, "right") == ("right", ())
    found, (note,) = side(at(0), False, "left")
    assert found == "right"
    assert "in a right knee, and the scan's tags say left" in note
    with pytest.raises(ValueError, match="'right' or 'left'; got 'R'"):
        side(at(0), False, "R")


@pytest.mark.parametrize(
    ("x_mm", "medial_first", "told"),
    [
        *[(70, False, False), (-70, True, False)],  # where they belong
        *[(70, True, True), (-70, False, True)],
        *[(30, True, False), (-30, False, False)],  # near the middle: no sign
    ],
)
def test_a_knee_on_the_other_side_of_the_scanner_is_told(x_mm, medial_first, told):
    _, notes = side(at(x_mm), medial_first, "")
    assert len(notes) == told
    if told:
        way = "right" if x_mm > 0 else "left"
        assert f"70 mm to the {way} of the scanner's middle" in notes[0]
