"""Files of a map, read back by nibabel."""

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.prediction import relaxation_files
from deepresolve.quantification.relaxation.maps import RelaxationMap


def test_a_map_has_its_error_and_r2_beside_it_and_no_earlier_ones(tmp_path):
    array = np.array([30, 40, np.nan, 50], np.float32).reshape(2, 2, 1)
    grid = Volume(array, np.diag([0.6, 0.6, 3, 1]))
    target = tmp_path / "T1rho.nii.gz"
    whole = RelaxationMap("t1rho", "nonlinear", grid, grid, grid, ())
    relaxation_files.write_nifti(target, whole)
    for ending, text in (
        ("", b"T1rho, ms (nonlinear)"),
        ("_error", b"standard error of T1rho, ms"),
        ("_r2", b"r2 of the fit of T1rho"),
    ):
        image = nib.load(tmp_path / f"T1rho{ending}.nii.gz")
        assert image.header["descrip"].item() == text
        np.testing.assert_array_equal(
            image.get_fdata().ravel(), np.nan_to_num(array).ravel()
        )
    paths = set(relaxation_files.nifti_paths(target))
    assert paths == set(tmp_path.iterdir())
    alone = RelaxationMap("t1rho", "nonlinear", grid, None, None, ())
    relaxation_files.write_nifti(target, alone)
    assert set(tmp_path.iterdir()) == {target}


def test_a_disk_that_fills_leaves_the_three_files_of_the_earlier_map(
    tmp_path, full_disk
):
    random = np.random.default_rng(1).normal(size=(32, 32, 32)).astype(np.float32)
    noise = Volume(random, np.eye(4))
    even = noise.with_array(np.full_like(random, 40))
    target = tmp_path / "T2.nii.gz"
    relaxation_files.write_nifti(
        target, RelaxationMap("t2", "log_linear", even, even, even, ())
    )
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 3 and max(map(len, before.values())) < 10_000
    # The map fits, and its error does not: noise cannot be packed.
    other = noise.with_array(np.full_like(random, 50))
    with full_disk(10_000), pytest.raises(OSError, match="T2_error"):
        relaxation_files.write_nifti(
            target, RelaxationMap("t2", "log_linear", other, noise, None, ())
        )
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
