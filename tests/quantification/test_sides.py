"""Right and left knees, medial and lateral, and who says otherwise."""

import dataclasses

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.quantification.sides import towards_medial

SIDED = {1: "medial tibial cartilage", 2: "lateral tibial cartilage"}
ALONE = {1: "tibial cartilage"}


def plates(first=1, last=2, x_mm=0.0):
    """Two plates, slices from right to left, the middle so far to the right."""
    array = np.zeros((8, 12, 21), np.uint8)
    array[4, 2:10, 1:9], array[4, 2:10, 12:20] = first, last
    affine = affine_along_axes("IPL", (1.0, 1.0, 1.0))
    affine[0, 3] += x_mm - (affine @ [3.5, 5.5, 10, 1])[0]
    return Volume(array, affine, slice_axis=2)


def test_medial_lies_towards_the_other_knee():
    # What comes first lies to the right: medial of a left knee.
    left = towards_medial(plates(1, 2), SIDED)
    assert (left.side, left.medial_first, left.notes) == ("left", True, ())
    assert left.side_from == "labels"
    np.testing.assert_array_equal(left.array, np.flip(plates(1, 2).array, 2))
    right = towards_medial(plates(2, 1), SIDED)
    assert (right.side, right.medial_first, right.notes) == ("right", False, ())
    np.testing.assert_array_equal(right.array, left.array)


def test_tags_that_disagree_are_told():
    assert towards_medial(plates(2, 1), SIDED, "right").notes == ()
    found = towards_medial(plates(2, 1), SIDED, "left")
    assert found.side == "right"
    assert "a right knee, and by what is said of it a left one" in found.notes[0]
    with pytest.raises(ValueError, match="'right' or 'left'; got 'R'"):
        towards_medial(plates(), SIDED, "R")


@pytest.mark.parametrize(
    ("x_mm", "labels", "told"),
    [
        *[(70, (2, 1), False), (-70, (1, 2), False)],  # where they belong
        *[(70, (1, 2), True), (-70, (2, 1), True)],
        *[(30, (1, 2), False), (-30, (2, 1), False)],  # near the middle: no sign
    ],
)
def test_a_knee_on_the_other_side_of_the_scanner_is_told(x_mm, labels, told):
    found = towards_medial(plates(*labels, x_mm=x_mm), SIDED)
    assert len(found.notes) == told
    if told:
        way = "right" if x_mm > 0 else "left"
        assert f"70 mm to the {way} of the scanner's middle" in found.notes[0]


@pytest.mark.parametrize(
    ("x_mm", "known_side", "side"),
    [(0, "left", "left"), (70, "", "right"), (-70, "", "left"), (0, "", "")],
)
def test_what_has_no_side_in_its_name_is_told_by_the_knee(x_mm, known_side, side):
    found = towards_medial(plates(1, 1, x_mm=x_mm), ALONE, known_side)
    assert found.side == side
    if not side:
        assert found.medial_first is None and "no regions" in found.notes[0]
        assert found.label_names == ALONE
        return
    # Lateral first, in the value that was there.
    names = {1: "lateral tibial cartilage", 2: "medial tibial cartilage"}
    assert found.label_names == names
    np.testing.assert_array_equal(found.array[4, 5, 12:20], 2)
    np.testing.assert_array_equal(found.array[4, 5, 1:9], 1)
    assert bool(found.notes) == (not known_side)
    assert found.side_from == ("given" if known_side else "place in the scanner")


def test_a_conflict_of_tags_and_place_is_told():
    found = towards_medial(plates(1, 1, x_mm=70), ALONE, "left")
    assert found.side == "left"
    assert "By what is said of it it is a left knee, and it lies 70" in found.notes[0]


def test_the_side_of_a_header_is_believed_where_nobody_knows_better():
    labels = dataclasses.replace(plates(1, 1, x_mm=-70), side="right")
    found = towards_medial(labels, ALONE)
    assert (found.side, found.side_from) == ("right", "header")
    assert found.notes == (
        "By the scan's header it is a right knee, and it lies 70 mm to the left of the "
        "scanner's middle: are right and left swapped in the image, or medial and "
        "lateral in the labels?",
    )
    found = towards_medial(labels, ALONE, "left")
    assert (found.side, found.side_from) == ("left", "given")
    assert found.notes == (
        "By what is said of it it is a left knee, and by the scan's header a right "
        "one: one of them is wrong, or the image is mirrored.",
    )


def test_a_tibia_in_one_piece_stays_so():
    whole = plates(1, 1)
    whole.array[4, 2:10, 1:20] = 1
    found = towards_medial(whole, ALONE, "left")
    assert found.label_names == ALONE and "is one piece" in found.notes[0]


def test_other_values_keep_their_names():
    labels = plates(3, 3)
    labels.array[6] = 1
    names = {3: "tibial cartilage", 1: "tibia", 2: "femur"}
    found = towards_medial(labels, names, "right")
    assert found.label_names == {
        **{1: "tibia", 2: "femur", 3: "lateral tibial cartilage"},
        4: "medial tibial cartilage",
    }
    moved = dataclasses.replace(labels, array=np.flip(labels.array, 2))
    other = towards_medial(moved, names, "left")
    np.testing.assert_array_equal(other.array, found.array)


def both_halves(value=1):
    """Two wide plates of one value, and a meniscus above each, of another."""
    labels = plates(value, value)
    labels.array[2, 2:10, 1:9] = labels.array[2, 2:10, 12:20] = 3
    affine = labels.affine.copy()
    affine[:, 2] *= 3  # 57 mm from end to end
    return dataclasses.replace(labels, affine=affine)


BOTH = {**SIDED, 3: "medial meniscus", 4: "lateral meniscus", 5: "tibia"}


def test_a_side_that_both_halves_are_called_by_is_not_believed():
    found = towards_medial(both_halves(), BOTH)
    assert (found.side, found.medial_first) == ("", None)
    assert found.label_names == {1: "tibial cartilage", 3: "meniscus", 5: "tibia"}
    assert found.notes[0].startswith("medial tibial cartilage, medial meniscus: both")
    assert "no regions" in found.notes[1]
    # What is called lateral is not, either.
    mixed = both_halves()
    mixed.array[4, 2:4, 1:9] = 2
    np.testing.assert_array_equal(
        towards_medial(mixed, BOTH).array, both_halves().array
    )


@pytest.mark.parametrize("value", [1, 2])
def test_halves_of_one_name_are_told_apart_by_the_side_of_the_knee(value):
    found = towards_medial(both_halves(value), BOTH, "left")
    assert (found.side, found.side_from, len(found.notes)) == ("left", "given", 1)
    names = {name: v for v, name in found.label_names.items()}
    assert sorted(names) == [
        *("lateral meniscus", "lateral tibial cartilage"),
        *("medial meniscus", "medial tibial cartilage", "tibia"),
    ]
    # Slices go towards medial.
    for row, part in ((4, "tibial cartilage"), (2, "meniscus")):
        np.testing.assert_array_equal(
            found.array[row, 5, 1:9], names[f"lateral {part}"]
        )
        np.testing.assert_array_equal(
            found.array[row, 5, 12:20], names[f"medial {part}"]
        )


def test_a_plate_with_a_gap_is_no_joint():
    # As wide as a plate: bone that is denuded from front to back parts it.
    found = towards_medial(plates(1, 1), SIDED, "left")
    assert found.label_names == SIDED and found.notes == ()
