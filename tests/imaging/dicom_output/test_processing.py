import dataclasses

import pytest

from deepresolve.imaging.dicom_output import processing as module


def test_a_derivation_follows_what_came_of_it(processing):
    assert processing.told("4 slices became 10.").endswith(": 4 slices became 10.")
    more = dataclasses.replace(processing, derivation="learned in 5 minutes")
    text = more.told("4 slices became 10.")
    assert text.endswith("4 slices became 10. learned in 5 minutes")
    assert text.startswith("computed super-resolution x3 by DeepResolve")


@pytest.mark.parametrize("extra", [0, 1, 5000])
def test_a_short_text_of_dicom_has_1024_characters(processing, extra):
    room = 1024 - len(processing.told("4 became 10.")) - 1
    text = "x" * (room + extra)
    told = dataclasses.replace(processing, derivation=text).told("4 became 10.")
    assert len(told) == 1024
    assert told.endswith("..." if extra else "x")
    assert "4 became 10." in told


@pytest.mark.parametrize("text", ["2 \u00b5m", "two\nlines", "a\x1bb"])
def test_other_letters_are_refused(processing, text):
    with pytest.raises(ValueError, match="printable ASCII in one line"):
        dataclasses.replace(processing, derivation=text)


def test_what_is_made_of_one_scan_has_numbers_of_its_own():
    offsets = {name: n for name, n in vars(module).items() if name.endswith("_OFFSET")}
    assert len(offsets) == 5 == len(set(offsets.values()))
    assert all(n % 1000 == 0 < n for n in offsets.values())


def test_a_method_without_a_network_tells_of_none():
    made = module.Processing("T2 map", "log_linear")
    assert made.description == f"T2 map by {made.software}"
    assert len(made.versions) == 1 and "network" not in str(made.equipment(None))
