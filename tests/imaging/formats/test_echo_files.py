"""Echoes as scanners, converters and anonymisers leave them."""

import json

import nibabel as nib
import numpy as np
import pydicom
import pytest
from world import scans

import deepresolve as dr
from deepresolve.imaging.formats.echo_files import read_echoes

AFFINE = np.diag([0.5, 0.75, 3.0, 1.0])
TIMES = (10.0, 20.0, 30.0, 40.0)
UID = "1.2.826.0.1.99.7"


def voxels(number, shape=(5, 6, 4)):
    return np.random.default_rng(number).integers(1, 900, shape).astype(np.int16)


def save(path, array, affine=AFFINE, **told):
    path.parent.mkdir(exist_ok=True, parents=True)
    nib.Nifti1Image(array, affine, dtype=array.dtype).to_filename(path)
    if told:
        path.with_name(f"{path.name.split('.')[0]}.json").write_text(json.dumps(told))
    return path


@pytest.fixture
def train(write_stack):
    """Writes a folder of echoes; gives it and the voxels by time."""

    def write(times=TIMES, of_series=lambda n: (UID, 4), numbers=True, told=True):
        expected = {}
        for n, time in enumerate(times, start=1):
            uid, number = of_series(n)
            tags = {"EchoNumbers": n} if numbers else {}
            tags |= {"EchoTime": f"{time:g}"} if told else {}
            if not (numbers or told):
                tags |= {"AcquisitionNumber": n}
            array = voxels(n, (3, 5, 4))
            folder, _ = write_stack(
                each=lambda z, n=n, array=array: {
                    "name": f"{(7 * (4 * n + z)) % 101:03d}.dcm",  # in no order
                    "pixels": array[:, :, z].T,
                    "InstanceNumber": 4 * n + z,
                },
                SeriesInstanceUID=uid,
                SeriesNumber=number,
                **tags,
            )
            expected[time] = array
        return folder, expected

    return write


def check(found, expected):
    assert found.times_ms == tuple(sorted(expected))
    for volume, time in zip(found.volumes, found.times_ms, strict=True):
        np.testing.assert_array_equal(volume.array, expected[time])


@pytest.mark.parametrize("numbers", [True, False])
@pytest.mark.parametrize("of_series", [lambda n: (UID, 4), lambda n: (f"{UID}.{n}", n)])
def test_dicom_echoes_of_one_series_or_several(train, numbers, of_series):
    folder, expected = train(of_series=of_series, numbers=numbers)
    check(dr.read_echoes(folder), expected)


def test_echoes_out_of_order_are_sorted_and_told(train):
    folder, expected = train(times=(30.0, 10.0, 40.0, 20.0))
    found = read_echoes(folder)
    check(found, expected)
    assert any("not in the order" in note for note in found.notes)


def test_series_are_chosen(train):
    folder, expected = train(of_series=lambda n: (f"{UID}.{n}", n))
    found = read_echoes(folder, series=(2, 3), times_ms=(20, 30))
    check(found, {time: expected[time] for time in (20.0, 30.0)})


def test_enhanced_dicom_tells_effective_echo_times(tmp_path):
    echoes = {time: np.abs(voxels(int(time), (6, 5, 4))) for time in (12.0, 24.0)}
    frames = [
        scans.frame_of(array[:, :, n].T, n, MREcho={"EffectiveEchoTime": time})
        for time, array in echoes.items()
        for n in range(4)
    ]
    scans.save_enhanced(tmp_path / "IM1", frames)
    check(read_echoes(tmp_path), echoes)


def test_a_missing_echo_is_told(train):
    folder, _ = train()
    for file in list(folder.iterdir()):
        if pydicom.dcmread(file).EchoNumbers == 3:
            file.unlink()
    with pytest.raises(ValueError, match="echo 3 is missing"):
        read_echoes(folder)
    # Who gives the times says what is there.
    assert read_echoes(folder, (10, 20, 40)).times_ms == (10.0, 20.0, 40.0)


def test_even_times_miss_an_echo_without_numbers(train):
    folder, _ = train(times=(10.0, 20.0, 30.0, 50.0, 60.0), numbers=False)
    with pytest.raises(ValueError, match="the echo at 40 ms is missing"):
        read_echoes(folder)


def test_uneven_times_are_as_good(train):
    folder, expected = train(times=(13.7, 27.3, 41.0, 68.0, 99.0), numbers=False)
    check(read_echoes(folder), expected)


def test_an_echo_with_fewer_slices_is_refused(train):
    folder, _ = train()
    files = [f for f in folder.iterdir() if pydicom.dcmread(f).EchoNumbers == 2]
    last = max(files, key=lambda f: pydicom.dcmread(f).ImagePositionPatient[2])
    last.unlink()
    with pytest.raises(ValueError, match="lies on another grid"):
        read_echoes(folder)


def test_stripped_times_are_asked_for(train):
    folder, expected = train(numbers=False, told=False)
    with pytest.raises(
        ValueError, match=r"anonymiser.*--times_ms, one for each"
    ) as told:
        read_echoes(folder)
    assert str(told.value).count("--volume=") == 4
    found = read_echoes(folder, TIMES)
    check(found, expected)
    assert "as given" in found.notes[0]
    with pytest.raises(ValueError, match="3 times for 4 volumes"):
        read_echoes(folder, TIMES[:3])


def test_given_times_that_contradict_the_header_are_told(train):
    folder, _ = train(times=(10.0, 20.0))
    found = read_echoes(folder, (12, 24))
    assert found.times_ms == (12.0, 24.0)
    assert found.notes[1] == "The headers tell other times: 10, 20 ms."


def test_a_series_in_4d_with_times_given_or_told(tmp_path):
    arrays = [voxels(n) for n in range(4)]
    path = save(tmp_path / "a" / "echoes.nii.gz", np.stack(arrays, axis=-1))
    expected = dict(zip(TIMES, arrays, strict=True))
    check(read_echoes(path, TIMES), expected)
    with pytest.raises(ValueError, match="not every volume tells its TE"):
        read_echoes(path)
    told = [time / 1000 for time in TIMES]
    path = save(tmp_path / "b" / "echoes.nii", np.stack(arrays, axis=-1), EchoTime=told)
    check(read_echoes(path), expected)


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_volumes_of_4d_are_those_that_nibabel_reads(tmp_path, dtype):
    array = np.stack([voxels(n) for n in range(3)], axis=-1).astype(dtype)
    path = save(tmp_path / "echoes.nii.gz", array)
    image = nib.load(path)
    image.header.set_slope_inter(2.0, 5.0)
    nib.save(nib.Nifti1Image(array, AFFINE, image.header), path)
    theirs = nib.load(path).get_fdata()
    for n, volume in enumerate(read_echoes(path, (1, 2, 3)).volumes):
        np.testing.assert_allclose(volume.array, theirs[..., n], rtol=1e-6)
        np.testing.assert_array_equal(volume.affine, AFFINE)


def test_files_of_an_echo_each_and_their_json(tmp_path):
    expected = {}
    for n, time in enumerate((30.0, 10.0, 20.0), start=1):
        name = tmp_path / "scan" / f"sub-1_echo-{n}_MESE.nii.gz"
        save(name, voxels(n), EchoTime=time / 1000)
        expected[time] = voxels(n)
    check(read_echoes(tmp_path / "scan"), expected)
    listed = sorted((tmp_path / "scan").glob("*.nii.gz"))
    check(read_echoes(listed), expected)


def test_spin_lock_times_stand_in_json_alone(tmp_path, train):
    times = (0.0, 10.0, 40.0)
    for n, time in enumerate(times):
        told = {"SpinLockTime": time / 1000, "EchoTime": 0.004}
        save(tmp_path / "locks" / f"{n}.nii", voxels(n), **told)
    found = read_echoes(tmp_path / "locks", times="TSL")
    assert (found.times_ms, found.times) == (times, "TSL")
    folder, _ = train(told=True)
    with pytest.raises(ValueError, match="DICOM has no element for it"):
        read_echoes(folder, times="TSL")
    assert read_echoes(folder, (0, 10, 40, 80), times="TSL").times_ms[0] == 0


def test_series_are_not_chosen_among_several_scans(tmp_path):
    for n in (1, 2):
        save(tmp_path / "scan" / f"{n}.nii", voxels(n))
    with pytest.raises(ValueError, match="there are 2 scans"):
        read_echoes(tmp_path / "scan", series=(4,))


def test_repetitions_are_no_echoes(tmp_path):
    for n in (1, 2):
        save(tmp_path / "scan" / f"{n}.nii", voxels(n), EchoTime=0.01)
    with pytest.raises(
        ValueError, match=r"scan: Two volumes have one time(.|\n)*2.nii"
    ):
        read_echoes(tmp_path / "scan")


def test_two_echoes_of_a_real_knee(real_scans):
    found = read_echoes(real_scans / "knee_mese_dicom")
    assert found.times_ms == (6.312, 12.624)
    assert found.grid.shape == (256, 256, 24)
