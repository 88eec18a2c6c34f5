"""Words of places; where medial is."""

import dataclasses

import pytest

from deepresolve.reports.knee_page import places


def with_plates(knee, *names):
    return dataclasses.replace(
        knee,
        plates={name: knee.plates[name] for name in names},
        regions={n: of for n, of in knee.regions.items() if of[0] in names},
    )


@pytest.mark.parametrize("plates", [("F", "MT", "LT", "P"), ("F",), ("MT",), ("LT",)])
def test_medial_is_on_the_right_of_a_left_knee(left, right, plates):
    """The patient's left knee has its medial side towards the right knee."""
    assert places.medial_is_right(with_plates(left.knee, *plates)) is True
    assert places.medial_is_right(with_plates(right.knee, *plates)) is False


def test_a_patella_tells_no_side(left):
    assert places.medial_is_right(with_plates(left.knee, "P")) is None


def test_all_that_is_measured_has_words(left):
    assert set(left.knee.quantities) | {"T"} == set(places.PLACES)
    alone = [place.alone for place in places.PLACES.values() if place.level != 1]
    assert len(set(alone)) == len(alone)


def test_a_place_without_words_comes_last_by_its_name():
    assert places.in_order(["xMT", "P", "cMT", "MT"]) == ["MT", "cMT", "P", "xMT"]
    assert places.described("xMT").words == "xMT"
