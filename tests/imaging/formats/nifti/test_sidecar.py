"""Times and numbers that a JSON file beside a scan tells, or does not."""

import json

import pytest

from deepresolve.imaging.formats.nifti import sidecar


@pytest.fixture
def told(tmp_path):
    def write(**values):
        text = json.dumps(values)
        (tmp_path / "scan.json").write_text(text, encoding="utf-8")
        return tmp_path / "scan.nii.gz"

    return write


@pytest.mark.parametrize(
    ("value", "expected_ms"),
    [
        (0.0352, (35.2,)),
        (0, (0.0,)),
        ([0.0, 0.01, 0.04], (0.0, 10.0, 40.0)),
        ([0.01, None], ()),
        ([0.01, -0.02], ()),
        ("0.01", ()),
        (True, ()),
        (float("inf"), ()),
        ([], ()),
    ],
)
def test_times_are_told_in_seconds(told, value, expected_ms):
    path = told(SpinLockTime=value)
    assert sidecar.times_ms(path, "SpinLockTime") == expected_ms
    assert sidecar.times_ms(path, "EchoTime") == ()


def test_one_echo_time_is_one(told):
    assert sidecar.echo_time_ms(told(EchoTime=[0.02])) == 20.0
    assert sidecar.echo_time_ms(told(EchoTime=[0.02, 0.04])) is None


@pytest.mark.parametrize(
    ("value", "expected"), [(25, 25.0), (2.5, 2.5), ("25", None), (False, None)]
)
def test_numbers_are_taken_as_they_are(told, value, expected):
    assert sidecar.number(told(FlipAngle=value), "FlipAngle") == expected
    assert sidecar.number(told(), "FlipAngle") is None
