"""Files of a map, read back by nibabel."""

import nibabel as nib
import numpy as np

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
