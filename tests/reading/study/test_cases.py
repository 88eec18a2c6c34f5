import json

import nibabel as nib
import numpy as np
import pytest

from deepresolve.reading.study import cases


def change(evaluation, **fields):
    path = evaluation / "volumes" / "volumes.json"
    described = json.loads(path.read_text())
    described["subjects"][0] |= fields
    path.write_text(json.dumps(described))


def test_all_sets_go_through_one_map_into_sagittal_slices(evaluation):
    case = cases.find(evaluation)[0]
    images = cases.load(case, ("ground_truth", "sr", "tci"))
    assert images.orientation == "LIP"
    # Of the file: 0.5 mm to anterior, 0.8 mm to the right, 2 mm to inferior.
    assert images.spacing_mm == pytest.approx((0.8, 2.0, 0.5))
    truth = nib.as_closest_canonical(nib.load(case.paths["ground_truth"])).get_fdata()
    low, high = truth.min(), truth.max()  # The others are means of it.
    for name in case.paths:
        voxels = nib.as_closest_canonical(nib.load(case.paths[name])).get_fdata()
        # RAS: (x, y, z) to (left, inferior, posterior).
        turned = voxels[::-1, ::-1, ::-1].transpose(0, 2, 1)
        expected = np.rint((turned - low) / (high - low) * 65535)
        np.testing.assert_array_equal(images.arrays[name], expected)
        assert images.arrays[name].dtype == np.uint16
    expected = (np.array([100, 600]) - low) / (high - low) * 65535
    assert images.window == pytest.approx(tuple(expected))


def test_an_evaluation_without_volumes_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="--save_volumes"):
        cases.find(tmp_path)


@pytest.mark.parametrize(
    "fields", [{"window": [5, 5]}, {"window": None}, {"image_sets": 3}]
)
def test_a_list_that_makes_no_sense_is_told(new_evaluation, fields):
    evaluation = new_evaluation()
    change(evaluation, **fields)
    with pytest.raises(ValueError, match=r"volumes\.json: not a list of volumes"):
        cases.find(evaluation)


def test_sets_on_different_grids_are_told(new_evaluation):
    evaluation = new_evaluation()
    case = cases.find(evaluation)[0]
    image = nib.load(case.paths["sr"])
    shifted = image.affine.copy()
    shifted[0, 3] += 1
    voxels = np.array(image.dataobj)  # before the file is written anew
    nib.save(nib.Nifti1Image(voxels, shifted), case.paths["sr"])
    with pytest.raises(ValueError, match=r"sr\.nii: not on the grid of"):
        cases.load(case, ("ground_truth", "sr"))
