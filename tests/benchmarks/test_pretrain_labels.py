"""Label maps of cartilages alone, completed by the bones of another knee."""

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume, affine_along_axes

FEMORAL, MEDIAL, LATERAL, FEMUR, TIBIA = 1, 2, 3, 5, 6
MM = 1.0


@pytest.fixture
def completed(monkeypatch):
    monkeypatch.syspath_prepend("benchmarks")
    import pretrain_labels

    return pretrain_labels.completed


def knee(radius_mm, middle_mm, cartilage_mm):
    """A ball with a cap of cartilage above a block with two plates.

    And each voxel's distance from the ball's middle, and whether it lies below that.
    Rows run downwards, columns backwards, slices from right to left.
    """
    grid = np.stack(np.meshgrid(*map(np.arange, (72, 56, 56)), indexing="ij")) * MM
    down, _, across = grid
    from_middle = grid - np.reshape(middle_mm, (3, 1, 1, 1))
    r = np.linalg.norm(from_middle, axis=0)
    array = np.zeros(r.shape, np.uint8)
    array[r < radius_mm] = FEMUR
    below = from_middle[0] > 0.3 * r
    array[below & (r >= radius_mm) & (r < radius_mm + cartilage_mm)] = FEMORAL
    top = middle_mm[0] + radius_mm + cartilage_mm + 1
    beside = np.abs(from_middle[1:]).max(axis=0) < 0.8 * radius_mm
    array[beside & (down >= top + cartilage_mm)] = TIBIA
    plate = beside & (down >= top) & (down < top + cartilage_mm)
    array[plate] = np.where(across < middle_mm[2], MEDIAL, LATERAL)[plate]
    return Volume(array, affine_along_axes("IPL", (MM, MM, MM))), r, below


def test_bone_lies_on_its_own_side_of_the_cartilage(completed):
    whole, *_ = knee(20.0, (24, 28, 28), 3.0)
    other, r, below = knee(17.0, (26, 29, 27), 3.0)
    tibial = np.isin(other.array, (MEDIAL, LATERAL))
    known = np.where(tibial, 2, np.where(other.array == FEMORAL, FEMORAL, 0))
    found = completed(other.with_array(known.astype(np.uint8)), whole)
    array = found.canonical().array
    np.testing.assert_array_equal(array == FEMORAL, known == FEMORAL)
    np.testing.assert_array_equal(np.isin(array, (MEDIAL, LATERAL)), tibial)
    femur = array == FEMUR
    # No coat on the cartilage that bears the load, no gap to the bone below it.
    assert not (femur & (r > 17.0 + 1.5) & below).any()
    under = below & (other.array == FEMUR) & (r > 17.0 - 3)
    assert (array[under] == FEMUR).mean() > 0.97
    tibia = array == TIBIA
    assert not (tibia & (np.indices(tibia.shape)[0] < 26 + 17 + 3 + 1)).any()
