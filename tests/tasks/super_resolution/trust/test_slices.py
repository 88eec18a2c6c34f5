import json

import numpy as np
import pytest

from deepresolve.imaging import slice_steps
from deepresolve.imaging.slice_steps import SliceSteps
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.super_resolution.trust import slices

CLEAN = SliceSteps(
    odd_even=0.0012,
    odd_even_error=0.002,
    has_odd_even=False,
    shifts_mm=np.array([[np.nan, np.nan], [0.3, 0.4], [0, 0.1], [np.nan, np.nan]]),
    odd_even_shift_mm=(0.0, 0.05),
    has_odd_even_shift=False,
    jumps=(),
)


def noise(num_slices):
    rng = np.random.default_rng(0)
    return Volume(rng.uniform(90, 110, (40, 30, num_slices)), np.diag([1, 1, 3, 1]))


def test_a_clean_scan_has_numbers_and_no_finding():
    assert slices.findings(CLEAN) == []
    values = slices.to_dict(CLEAN)
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert values["shift_mm"] == {"median": 0.3, "largest": 0.5}  # of 0.5 and 0.1


def test_a_section_is_what_was_measured():
    scan = noise(12)
    array = scan.array.copy()
    array[:, :, 1::2] *= 1.1
    found = slices.section(scan.with_array(array))
    expected = slice_steps.measure(scan.with_array(array)).odd_even
    assert found.values["odd_even"] == pytest.approx(expected, rel=0.01)
    (finding,) = found.findings
    assert finding.what == "odd_even"
    assert finding.text.startswith("every other slice is brighter: the even ones by 9.")


@pytest.mark.parametrize(
    ("changes", "what", "value", "text"),
    [
        (
            {"has_odd_even": True, "odd_even": 0.031},
            "odd_even",
            0.031,
            "the odd ones by 3.1%",
        ),
        (
            {"has_odd_even_shift": True, "odd_even_shift_mm": (0.6, -0.8)},
            "odd_even_shift_mm",
            1.0,
            "every other slice lies 1 mm aside",
        ),
        ({"jumps": (3, 12)}, "jumps", [3, 12], "these slices of the scan: 3, 12."),
    ],
)
def test_what_is_off_is_told(changes, what, value, text):
    (finding,) = slices.findings(CLEAN._replace(**changes))
    assert (finding.what, finding.found) == (what, value)
    assert text in finding.text


def test_of_few_slices_nothing_is_measured():
    assert slices.section(noise(11)).values["measured"] is False
    assert slices.section(noise(12)).values["measured"] is True
