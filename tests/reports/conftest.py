"""Slices without pixels, small scans, and what a network might have made of them."""

import dataclasses

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.reports.preview import ImagePreview, LabelMapPreview
from deepresolve.reports.preview.graded import GradePreview, Looked

FACTOR = 3
CLASSES = ("femoral cartilage", "menisci")


@dataclasses.dataclass(frozen=True)
class _Slice:
    shape: tuple[int, int] = (10, 8)
    pixel_mm: tuple[float, float] = (0.5, 2.0)
    edges: tuple[str, str, str, str] = ("S", "L", "I", "R")

    @property
    def size_mm(self):
        return self.shape[0] * self.pixel_mm[0], self.shape[1] * self.pixel_mm[1]


def _volume(array, axcodes="PIR", spacing_mm=(0.5, 0.75, 1.0)):
    # Takes RAS voxels to those of the array.
    from_ras = nib.orientations.inv_ornt_aff(
        nib.orientations.axcodes2ornt(axcodes), array.shape
    )
    affine = np.linalg.inv(from_ras) @ np.diag([*spacing_mm, 1.0])
    return Volume(array, affine, slice_axis=2)


@pytest.fixture(scope="session")
def make_slice():
    """Makes what panels must know of a slice: (shape, pixel_mm, edges)."""
    return _Slice


@pytest.fixture(scope="session")
def thick():
    """Sagittal slices, (20, 24, 5) int16, 3 mm apart."""
    array = np.random.default_rng(0).integers(100, 900, (20, 24, 5)).astype(np.int16)
    return _volume(array, spacing_mm=(0.5, 0.75, 3.0))


@pytest.fixture(scope="session")
def thin():
    """Three slices for each of `thick`, other numbers: (20, 24, 13) int16."""
    array = np.random.default_rng(1).integers(100, 900, (20, 24, 13)).astype(np.int16)
    return _volume(array)


@pytest.fixture(scope="session")
def label_map(thin):
    """Two boxes: (rows A-P, columns S-I, slices L-R) of `thin`."""
    array = np.zeros(thin.shape, np.uint8)
    array[4:10, 6:16, 3:8] = 1
    array[12:15, 6:10, 5:9] = 2
    return thin.with_array(array)


@pytest.fixture(scope="session")
def super_resolved(thick, thin):
    return ImagePreview(thick, thin, "thick.nii.gz", "thin.nii.gz")


@pytest.fixture(scope="session")
def segmented(thin, label_map):
    return LabelMapPreview(thin, label_map, "thin.nii.gz", "labels.nii.gz", CLASSES)


def _answered(scan, name, place, probability):
    """What is told of a scan; the heat is 1 at a place (i, j, k) and 0.25 elsewhere."""
    heat = np.full(scan.shape, 0.25, np.float32)
    heat[place] = 1
    slices = np.full(scan.num_slices, 0.125)
    slices[place[scan.slice_axis]] = 0.875
    volume = scan.with_array(heat)
    return Looked(
        f"{name} above 0",
        f"{name}: grade {round(probability)} of 0 to 1",
        probability,
        slices,
        lambda: volume,
    )


@pytest.fixture(scope="session")
def looked():
    return _answered


@pytest.fixture(scope="session")
def graded(thick):
    """Two answers; the second one is the more probable."""
    told = (
        _answered(thick, "acl", (4, 6, 1), 0.25),
        _answered(thick, "meniscus", (15, 18, 3), 0.75),
    )
    return GradePreview(thick, "thick.nii.gz", "thick", told)
