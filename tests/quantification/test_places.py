"""Names, words, bones and numbers of places, held to the OAI's names."""

import re

import pytest

from deepresolve.quantification import knee, places


def test_all_that_is_measured_has_words():
    """Names of the OAI's tables by their own rule: part, side, bone."""
    tables = {f"{part}{side}T" for part in ("", *"capei") for side in "ML"}
    tables |= {
        f"{part}{side}F" for part in ("c", "p", "cc", "ec", "ic") for side in "ML"
    }
    tables |= {f"{part}{side}FTC" for part in ("", "c") for side in "ML"}
    assert set(places.PLACES) == tables | {*("F", "TrF", "T", "P", "MM", "LM")}
    alone = [place.alone for place in places.PLACES.values() if place.level != 1]
    assert len(set(alone)) == len(alone)


def test_a_place_without_words_comes_last_by_its_name():
    assert places.in_order(["xMT", "P", "cMT", "MT"]) == ["MT", "cMT", "P", "xMT"]
    assert places.described("xMT").words == "xMT"


def test_each_plate_lies_on_its_bone():
    """The last letter of a plate's name is its bone's first one."""
    assert set(places.BONES) == set(knee.PLATES.values())
    for plate, bone in places.BONES.items():
        assert plate[-1].lower() == bone[0]


def test_each_region_is_of_a_plate():
    """Compartments are of two, menisci of none."""
    own = {name: name for name in places.BONES}
    femoral = {"TrF", *(f"{part}{side}F" for part in "cp" for side in "ML")}
    femoral |= {f"{third}c{side}F" for third in "ice" for side in "ML"}
    tibial = {f"{part}{side}T": f"{side}T" for part in "capei" for side in "ML"}
    expected = own | dict.fromkeys(femoral, "F") | tibial
    assert {n: of for n in places.PLACES if (of := places.plate_of(n))} == expected


def test_regions_with_a_number_hold_no_other_one():
    assert len(set(places.REGION_NAMES)) == len(places.REGION_NAMES) == 19
    assert set(places.REGION_NAMES) < set(places.PLACES)
    assert not {"cMF", "cLF", "MFTC"} & set(places.REGION_NAMES)


@pytest.mark.parametrize("name", places.REGION_NAMES)
def test_the_key_tells_each_letter(name):
    """Of the region's bone and side, and of the part that is before them."""
    stem = name if name == "TrF" else re.sub("^[caeip]{1,2}", "", name)
    assert stem in places.KEY
    part = name.removesuffix(stem)
    assert not part or re.search(rf"\b{part}", places.KEY)
