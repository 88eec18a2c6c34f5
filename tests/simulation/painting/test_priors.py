"""Priors as they are given on a command line, and what cannot be one."""

import pytest

from deepresolve.simulation.painting.priors import Priors, parse


def test_numbers_and_ranges_by_name():
    found = parse("random_contrast=0, pixel_mm=0.4:0.6,num_defects=1,field_mm=-3:0")
    assert found == {
        "random_contrast": 0.0,
        "pixel_mm": (0.4, 0.6),
        "num_defects": 1,
        "field_mm": (-3.0, 0.0),
    }
    assert isinstance(found["num_defects"], int)
    assert Priors(**found).pixel_mm == (0.4, 0.6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pixel=0.4:0.6", "no prior 'pixel'.*Did you mean pixel_mm.*There are: field"),
        ("pixel_mm=0.4", "pixel_mm: expected LOW:HIGH; got '0.4'"),
        ("pixel_mm=0.4:fine", "pixel_mm: expected LOW:HIGH"),
        ("pixel_mm", "pixel_mm: expected LOW:HIGH; got ''"),
        ("num_defects=1.5", "num_defects: expected a whole number; got '1.5'"),
        ("random_contrast=often", "random_contrast: expected a number; got 'often'"),
        ("pixel_mm=0.6:0.4", "pixel_mm: expected numbers of 0 or more, the lower"),
        ("random_contrast=nan", "random_contrast: expected numbers of 0 or more"),
        ("cartilage_contrast=0.9", "cartilage_contrast: expected at most 0.5"),
        ("joint_contrast=0.3", "joint_contrast: expected at most 0.2; got 0.3"),
        ("", "no prior ''"),
    ],
)
def test_what_is_no_prior_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        parse(text)
