"""Codes of the places and quantities that the package measures."""

import re

import pytest
from pydicom.sr.codedict import codes

from deepresolve.imaging.dicom_output import measure_codes
from deepresolve.quantification import knee, places
from deepresolve.simulation import phantom


def test_each_place_and_quantity_of_a_knee_is_known():
    label = phantom.knee(seed=7, shape=(100, 100, 60), spacing_mm=(1.2, 1.2, 1.4)).label
    places = knee.measure(label, phantom.LABEL_NAMES).quantities
    assert {"F", "TrF", "MFTC", "MM", "icLF"} <= set(places)
    for name in places:
        place = measure_codes.place(name)
        assert place.title != name, name
    for name in knee.COLUMNS:
        quantity = measure_codes.quantity(name)
        assert quantity.method.value == name
        assert quantity.method.meaning != name, name
        assert name in measure_codes.UNITS


WORDS = {"medial", "lateral", "anterior", "posterior", "external", "internal"}
WORDS |= {"weight-bearing", "central", "trochlea", "meniscus"}


def words(text):
    return {*re.findall("[a-z-]+", text.lower().replace("centre", "central"))} & WORDS


def test_places_are_called_as_on_pages():
    """Each name has one meaning, in DICOM and on a page."""
    for name, of_page in places.PLACES.items():
        coded = measure_codes.place(name)
        # A region of a tibial plate is told below that plate.
        plate = places.PLACES[name[1:]].words if name[1:] in ("MT", "LT") else ""
        assert words(coded.title) == words(f"{plate} {of_page.alone}"), name
        if name in places.BONES:
            assert coded.region.meaning.lower() == places.BONES[name]


def test_codes_are_those_of_the_standards_tables():
    """By pydicom, which is generated from PS3.16."""
    for name, tissue, region, modifier in (
        ("MT", codes.SCT.Cartilage, codes.SCT.Tibia, codes.SCT.Medial),
        ("P", codes.SCT.Cartilage, codes.SCT.Patella, None),
        ("LM", codes.SCT.Meniscus, codes.SCT.Knee, codes.SCT.Lateral),
    ):
        place = measure_codes.place(name)
        assert (place.tissue.type, place.region, place.modifier) == (
            *(tissue, region, modifier),
        )
    assert {"left": codes.SCT.Left, "right": codes.SCT.Right} == measure_codes.SIDES
    assert codes.LN.MRIUnspecifiedBodyRegion == measure_codes.MR_IMAGING
    assert codes.DCM.Comment == measure_codes.COMMENT
    assert codes.DCM.Device == measure_codes.DEVICE
    for name, term, derivation in (
        ("VC", codes.SCT.Volume, None),
        ("tAB", codes.SCT.Area, None),
        ("T2", codes.DCM.T2, codes.SCT.Mean),
        ("ThCtAB_aSD", measure_codes.THICKNESS, codes.SCT.StandardDeviation),
    ):
        quantity = measure_codes.quantity(name)
        assert (quantity.name, quantity.derivation) == (term, derivation)


@pytest.mark.parametrize("of", [measure_codes.place, measure_codes.quantity])
def test_values_fit_and_what_is_not_known_has_a_private_code(of):
    known = of("Very long name of something")
    code = known.modifier if of is measure_codes.place else known.name
    assert code.scheme_designator == "99DEEPRESOLVE"
    assert len(code.value) <= 16
    assert code.meaning == "Very long name of something"
