"""The rim of plates whose area is known in closed form."""

import numpy as np
import pytest

from deepresolve.quantification.rims import edge, without_rim
from deepresolve.quantification.surfaces import Surface
from deepresolve.quantification.thickness import measure_plate, statistics

SPACING_MM = (0.4, 0.5, 0.8)
WIDE_MM, LONG_MM = 20.0, 32.0


def slab(width=40, length=40):
    """A flat plate of so many voxels back and across, 2 mm thick."""
    bone = np.zeros((24, 60, 60), bool)
    bone[14:] = True
    cartilage = np.zeros(bone.shape, bool)
    cartilage[9:14, 10 : 10 + width, 8 : 8 + length] = True
    return measure_plate(bone, cartilage, SPACING_MM)


def test_half_a_voxel_less_on_every_side():
    plate = slab()
    smaller, kept = without_rim(plate, SPACING_MM)
    before, after = statistics(plate), statistics(smaller)
    perimeter_mm = [2 * LONG_MM * SPACING_MM[1], 2 * WIDE_MM * SPACING_MM[2]]
    # Half a voxel; a vertex is kept or not, and they lie a voxel apart: as much again.
    expected_cm2 = sum(perimeter_mm) / 2 / 100
    assert expected_cm2 <= before["tAB"] - after["tAB"] <= 2.2 * expected_cm2
    assert after["ThCtAB_aMe"] == pytest.approx(2.0, abs=0.03)
    assert kept.sum() == len(smaller.covered) == len(smaller.bone.vertices)
    lost_mm3 = before["VC"] - after["VC"]
    assert lost_mm3 == pytest.approx(
        2.0 * 100 * (before["tAB"] - after["tAB"]), rel=0.2
    )
    # What lies above a place lies above the same one still.
    np.testing.assert_array_equal(
        smaller.bone.vertices[smaller.below],
        plate.bone.vertices[plate.below[kept[plate.below]]],
    )


def test_a_surface_without_an_end_has_no_rim():
    away = np.linalg.norm(np.moveaxis(np.indices((40,) * 3), 0, -1) - 19.6, axis=-1)
    plate = measure_plate(away < 10, (away >= 10) & (away < 13), (1.0, 1.0, 1.0))
    smaller, kept = without_rim(plate, (1.0, 1.0, 1.0))
    assert kept.all()
    assert statistics(smaller) == statistics(plate)


def test_what_is_all_rim_leaves_nothing():
    plate = slab(width=1, length=30)
    smaller, kept = without_rim(plate, SPACING_MM)
    assert not kept.any() and np.isnan(statistics(smaller)["tAB"])


def test_the_edge_of_two_triangles_and_of_a_fan():
    ones = np.ones(5)
    square = Surface(np.eye(5, 3), np.array([[0, 1, 2], [0, 2, 3]]), np.eye(5, 3), ones)
    np.testing.assert_array_equal(edge(square), [True] * 5)
    fan = square._replace(faces=np.array([[4, 0, 1], [4, 1, 2], [4, 2, 3], [4, 3, 0]]))
    np.testing.assert_array_equal(edge(fan), [True] * 4 + [False])
