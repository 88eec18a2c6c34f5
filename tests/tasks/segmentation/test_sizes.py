import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.tasks.segmentation import sizes

NAMES = ("femur", 'tibia, "medial"', "patella")


def label_map(affine):
    array = np.zeros((4, 5, 6), np.uint8)
    array[:2, :3, 0] = 1  # 6 voxels
    array[3, 4, :2] = 3  # 2 voxels
    return Volume(array, affine)


def test_classes_are_counted_in_voxels_and_cubic_millimetres():
    spacing = np.diag([0.5, 0.4, 1.5, 1.0])  # 0.3 mm³ a voxel
    femur, tibia, patella = sizes.measure(label_map(spacing), NAMES)
    assert (femur.label, tibia.label, patella.label) == (1, 2, 3)
    assert (femur.voxels, tibia.voxels, patella.voxels) == (6, 0, 2)
    assert femur.tissue_mm3 == pytest.approx(1.8)
    assert tibia.tissue_mm3 == 0
    assert patella.tissue_mm3 == pytest.approx(0.6)


def test_neither_side_nor_shear_changes_a_volume():
    left = np.diag([-0.5, 0.4, 1.5, 1.0])
    sheared = np.diag([0.5, 0.4, 1.5, 1.0])
    sheared[0, 2] = 0.7  # slices step sideways; the determinant is as before
    for affine in (left, sheared):
        femur = sizes.measure(label_map(affine), NAMES)[0]
        assert femur.tissue_mm3 == pytest.approx(1.8)


def test_rows_are_rounded_as_far_as_they_are_known():
    rows = sizes.rows(sizes.measure(label_map(np.eye(4) / 3), NAMES))
    # 1 / 27 mm³ a voxel, by four digits; the voxels are exact.
    assert [row[:3] for row in rows] == [
        *((NAMES[0], 1, 6), (NAMES[1], 2, 0), (NAMES[2], 3, 2))
    ]
    assert [row[3] for row in rows] == [float(f"{n / 27:.4g}") for n in (6, 0, 2)]
    assert len(sizes.KIND.columns) == len(rows[0])
