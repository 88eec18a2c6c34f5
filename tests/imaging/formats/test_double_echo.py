"""Double echoes, and the numbers of their sequence."""

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest

from deepresolve.imaging.formats.double_echo import Sequence, read_double_echo

UID = "1.2.826.0.1.99.8"


@pytest.fixture
def dess(write_stack):
    """Writes both echoes of a DESS, the second one's files first."""

    def write(area=None, duration=None, **tags):
        arrays = {}
        for n in (2, 1):
            array = np.random.default_rng(n).integers(1, 90, (3, 5, 4)).astype(np.int16)
            folder, _ = write_stack(
                each=lambda z, n=n, array=array: {
                    "name": f"{3 - n}_{z}.dcm",
                    "pixels": array[:, :, z].T,
                },
                SeriesInstanceUID=UID,
                EchoNumbers=n,
                EchoTime="5.7" if n == 1 else "35.1",
                **{"RepetitionTime": "20.4", "FlipAngle": "20", **tags},
            )
            arrays[n] = array
        for file in folder.iterdir():
            if area is not None:
                slice_ = pydicom.dcmread(file)
                block = slice_.private_block(0x0019, "GEMS_ACQU_01", create=True)
                block.add_new(0xB6, "DS", str(area))
                block.add_new(0xB7, "DS", str(duration))
                slice_.save_as(file)
        return folder, arrays

    return write


def test_numbers_are_those_of_the_header(dess):
    folder, arrays = dess(area=3132, duration=1560)
    found = read_double_echo(folder)
    np.testing.assert_array_equal(found.first.array, arrays[1])
    np.testing.assert_array_equal(found.second.array, arrays[2])
    assert (found.tr_ms, found.te_ms, found.flip_degrees) == (20.4, 5.7, 20.0)
    # An area of 3132 us gauss/cm in 1560 us.
    assert found.spoiler_gauss_per_cm == pytest.approx(2.0077, abs=1e-4)
    assert found.spoiler_ms == 1.56
    assert "spoiler_area 3132 (the header)" in found.notes[0]


def test_what_is_given_goes_before_and_is_told(dess):
    folder, _ = dess(FlipAngle=None)
    with pytest.raises(
        ValueError, match=r"does not tell flip_degrees\. Give --flip_deg"
    ):
        read_double_echo(folder)
    found = read_double_echo(folder, Sequence(tr_ms=18.0, flip_degrees=25.0))
    assert (found.tr_ms, found.te_ms, found.flip_degrees) == (18.0, 5.7, 25.0)
    assert found.spoiler_gauss_per_cm == found.spoiler_ms == 0
    (note,) = found.notes
    assert "tr_ms 18 (as given), te_ms 5.7 (the header)" in note
    assert "without diffusion T2 is too short" in note


def test_other_makers_private_elements_are_not_taken(dess):
    folder, _ = dess(area=3132, duration=1560)
    for file in folder.iterdir():
        slice_ = pydicom.dcmread(file)
        slice_[0x0019, 0x0010].value = "SIEMENS MR HEADER"
        slice_.save_as(file)
    assert read_double_echo(folder).spoiler_ms == 0


def test_nifti_with_json(tmp_path):
    for n in (1, 2):
        array = np.random.default_rng(n).normal(100, 9, (4, 5, 3)).astype(np.float32)
        path = tmp_path / "scan" / f"e{n}.nii.gz"
        path.parent.mkdir(exist_ok=True)
        nib.Nifti1Image(array, np.diag([1, 1, 2, 1])).to_filename(path)
        told = {"EchoTime": 0.006, "RepetitionTime": 0.0176, "FlipAngle": 30}
        (tmp_path / "scan" / f"e{n}.json").write_text(json.dumps(told))
    found = read_double_echo(tmp_path / "scan")
    assert (found.tr_ms, found.te_ms, found.flip_degrees) == (17.6, 6.0, 30.0)


def test_a_sum_of_both_echoes_tells_nothing(write_stack):
    folder, _ = write_stack(RepetitionTime="16.3", FlipAngle="25", EchoTime="4.7")
    with pytest.raises(ValueError, match="got 1 volume"):
        read_double_echo(folder)
