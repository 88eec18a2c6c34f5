"""What is read as a label map, and what is refused."""

import numpy as np
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from deepresolve.prediction.label_map_files import read_label_map


def save(path, array):
    formats.write(path, Volume(array, np.diag([-1.0, -1.0, 1.0, 1.0]), 2))
    return path


def test_labels_are_read_as_they_are(tmp_path):
    array = np.arange(24, dtype=np.int16).reshape(2, 3, 4) % 5
    label_map, names = read_label_map(save(tmp_path / "a.nii.gz", array))
    np.testing.assert_array_equal(label_map.array, array)
    assert names == {}
    # One tissue alone, everywhere, is still a label map.
    label_map, _ = read_label_map(save(tmp_path / "b.nii.gz", array * 0 + 1))
    assert (label_map.array == 1).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda n: n * 0, "every voxel is 0, so nothing is labelled. Expected"),
        (lambda n: n, "holds 120 values from 0 to 119, as an image would"),
        (lambda n: n * 10, "from 0 to 1190, as an image would"),
        (lambda n: n % 2 * 0.5, "labels are whole numbers 0 to 255; got 0.5 and 59"),
        (lambda n: n / 120, "A map of probabilities is no label map"),
        (lambda n: n % 2 * 300, "got 300. Give each tissue a number of 1 to 255"),
    ],
)
def test_what_is_no_label_map_is_told_with_its_file(tmp_path, values, message):
    array = values(np.arange(120.0)).reshape(4, 5, 6).astype(np.float32)
    path = save(tmp_path / "knee.nii.gz", array)
    with pytest.raises(ValueError, match=message) as caught:
        read_label_map(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_folder_of_images_is_told(write_stack):
    folder, voxels = write_stack(num_slices=12)
    found = len(np.unique(voxels))
    with pytest.raises(ValueError, match=f"{found} values from .* as DICOM images"):
        read_label_map(folder)
