"""Images painted from label maps, as a training set."""

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume, affine_along_axes
from records.datasets.painted import Painted

NAMES = {1: "femoral cartilage", 5: "femur"}


@pytest.fixture
def maps(tmp_path, save_nifti):
    """Two label maps to learn from and one to validate on."""
    array = np.zeros((24, 24, 16), np.uint8)
    array[6:12, 4:20, 3:13], array[12:14, 4:20, 3:13] = 5, 1
    label = Volume(array, affine_along_axes("IPR", (3.0, 3.0, 4.0)))
    for name in ("train/a", "train/b", "validation/c"):
        save_nifti(tmp_path / f"{name}.nii.gz", label)
    return tmp_path


def test_folders_named_after_splits_say_which(maps):
    subjects = list(Painted(str(maps), 6, NAMES).subjects(seed=0))
    assert [subject.split for subject in subjects] == [
        *("train", "train", "validation") * 2
    ]
    assert [subject.person for subject in subjects] == ["a", "b", "c"] * 2
    others = list(Painted(str(maps / "train"), 2, NAMES).subjects(seed=0))
    assert {subject.split for subject in others} == {None}
    one = list(Painted(str(maps / "train" / "a.nii.gz"), 1, NAMES).subjects(seed=0))
    assert one[0].split is None


def test_images_lie_on_the_grid_that_is_asked_for(maps):
    dataset = Painted(str(maps), 3, NAMES, grid_mm=(4.0, 5.0))
    subjects = list(dataset.subjects(seed=0))
    for subject in subjects:
        scan = subject.load()
        np.testing.assert_allclose(scan.image.spacing_mm, (4, 4, 5), rtol=0.05)
        assert scan.label.shape == scan.image.shape
        assert scan.image.plane == "sagittal"
    plain = list(Painted(str(maps), 3, NAMES).subjects(seed=0))
    assert plain[0].hashes() != subjects[0].hashes()


def test_priors_say_what_varies(maps):
    fine = Painted(str(maps), 3, NAMES)
    coarse = Painted(str(maps), 3, NAMES, priors={"slice_mm": (7.5, 7.5)})
    one, other = (next(iter(d.subjects(seed=0))) for d in (fine, coarse))
    assert one.hashes() != other.hashes()
    assert other.load().image.slice_spacing_mm == pytest.approx(7.5, rel=0.1)
    assert one.load().image.slice_spacing_mm < 6
