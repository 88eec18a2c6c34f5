"""One side of a knee is medial, the other lateral."""

import numpy as np
import pytest

from deepresolve.simulation import phantom
from deepresolve.tasks.segmentation.knee.sides import settle

NAMES = tuple(phantom.LABEL_NAMES.values())
MEDIAL, LATERAL, LATERAL_MENISCUS, MEDIAL_MENISCUS = 2, 3, 9, 10


@pytest.fixture(scope="module", params=["left", "right"])
def knee(request):
    """Labels of a synthetic one."""
    drawn = phantom.labelled(
        seed=5, side=request.param, shape=(110, 110, 80), spacing_mm=(1.2, 1.2, 1.4)
    )
    return drawn.label


def shares(label, sure):
    """Of each class, `sure` of it where the label map has it, the rest its opposite."""
    opposite = {MEDIAL: LATERAL, LATERAL: MEDIAL}
    opposite |= {LATERAL_MENISCUS: MEDIAL_MENISCUS, MEDIAL_MENISCUS: LATERAL_MENISCUS}
    result = {}
    for value, name in enumerate(NAMES, start=1):
        share = sure.get(value, 1.0) * (label.array == value)
        if value in opposite:
            other = opposite[value]
            share = share + (1 - sure.get(other, 1.0)) * (label.array == other)
        result[name] = label.with_array(share.astype(np.float32))
    return result


def settled(*args):
    """The label map alone."""
    label, findings = settle(*args)
    assert findings == ()
    return label


def said(by_class):
    """The label map that a network of such probabilities gives."""
    stacked = np.stack([by_class[name].array for name in NAMES])
    labels = np.where(stacked.max(axis=0) > 0, stacked.argmax(axis=0) + 1, 0)
    return by_class[NAMES[0]].with_array(labels.astype(np.uint8))


def test_what_is_right_stays(knee):
    by_class = shares(knee, {})
    np.testing.assert_array_equal(settled(knee, NAMES, by_class).array, knee.array)


@pytest.mark.parametrize(
    "sure",
    [
        {LATERAL: 0.3, LATERAL_MENISCUS: 0.4},  # all called medial
        {MEDIAL: 0.4, MEDIAL_MENISCUS: 0.4, LATERAL_MENISCUS: 0.6},
        {MEDIAL: 0.3},  # its meniscus knows better
    ],
)
def test_all_that_is_said_decides(knee, sure):
    by_class = shares(knee, sure)
    label = said(by_class)
    assert (label.array != knee.array).any()
    np.testing.assert_array_equal(settled(label, NAMES, by_class).array, knee.array)


def test_the_larger_half_has_no_more_to_say(knee):
    # All is called medial, and as surely; a network finds less of one half.
    by_class = shares(knee, {LATERAL: 0.0, LATERAL_MENISCUS: 0.0})
    for name in (NAMES[MEDIAL - 1], NAMES[MEDIAL_MENISCUS - 1]):
        by_class[name].array[knee.array == LATERAL] *= (
            np.arange((knee.array == LATERAL).sum()) % 2
        )
    label = said(by_class)
    assert (label.array == LATERAL).sum() == 0
    np.testing.assert_array_equal(settled(label, NAMES, by_class).array, label.array)


def test_half_a_knee_and_one_plate_are_left_alone(knee):
    by_class = shares(knee, {MEDIAL: 0.3, LATERAL: 0.3})
    axis = next(a for a, code in enumerate(knee.orientation) if code in "LR")
    region = tuple(slice(0, 40) if a == axis else slice(None) for a in range(3))
    half = {name: share.crop(region) for name, share in by_class.items()}
    label = said(half)
    np.testing.assert_array_equal(settled(label, NAMES, half).array, label.array)


def test_where_nothing_speaks_for_either_nothing_changes(knee):
    sides = (MEDIAL, LATERAL, LATERAL_MENISCUS, MEDIAL_MENISCUS)
    by_class = shares(knee, dict.fromkeys(sides, 0.5))
    label = said(by_class)
    np.testing.assert_array_equal(settled(label, NAMES, by_class).array, label.array)


def test_classes_without_sides_are_left_alone(knee):
    label = knee.with_array((knee.array > 0).astype(np.uint8))
    assert settled(label, ("femoral cartilage",), {}) is label


def test_of_facets_of_the_patella_the_joint_below_says_nothing(knee):
    names = ("medial patellar cartilage", "lateral patellar cartilage")
    label = knee.with_array((knee.array == 4).astype(np.uint8))
    by_class = {
        names[0]: label.with_array(label.array * np.float32(0.4)),
        names[1]: label.with_array(label.array * np.float32(0.6)),
    }
    assert settled(label, names, by_class) is label


@pytest.mark.parametrize("known_side", ["right", "left"])
def test_where_nothing_speaks_for_either_the_side_of_the_knee_does(knee, known_side):
    # All is called medial, and as surely.
    by_class = shares(knee, {LATERAL: 0.0, LATERAL_MENISCUS: 0.0})
    label = said(by_class)
    assert not np.isin(label.array, (LATERAL, LATERAL_MENISCUS)).any()
    found, (finding,) = settle(label, NAMES, by_class, known_side)
    # Medial lies towards the other knee.
    axis = next(a for a, code in enumerate(knee.orientation) if code in "LR")
    for medial, lateral in ((MEDIAL, LATERAL), (MEDIAL_MENISCUS, LATERAL_MENISCUS)):
        right_mm = {
            value: np.mean(
                knee.affine[0, axis] * np.nonzero(found.array == value)[axis]
            )
            for value in (medial, lateral)
        }
        assert (right_mm[medial] > right_mm[lateral]) == (known_side == "left")
        of_both = (medial, lateral)
        np.testing.assert_array_equal(
            np.isin(found.array, of_both), np.isin(knee.array, of_both)
        )
    assert finding.what == "sides" and f"a {known_side} knee's" in finding.text


def test_what_the_network_says_is_not_overruled(knee):
    by_class = shares(knee, {})
    for known_side in ("right", "left", "unknown"):
        found = settled(knee, NAMES, by_class, known_side)
        np.testing.assert_array_equal(found.array, knee.array)
