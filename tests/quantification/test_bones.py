"""Where a bone is, told by its cartilage."""

import numpy as np
import pytest

from deepresolve.quantification.bones import bone_below

SPACING_MM = (0.5, 0.5, 1.0)


def test_the_femur_lies_within_its_ring_of_cartilage():
    rows, columns = np.indices((120, 120)) * 0.5 - 30
    radius, angle = np.hypot(rows, columns), np.degrees(np.arctan2(rows, columns))
    # A half-ring of 20 to 22.5 mm, open to the top.
    ring = (radius > 20) & (radius < 22.5) & (angle > -10)
    cartilage = np.repeat(ring[:, :, np.newaxis], 12, axis=2)
    cartilage[:, :, [0, -1]] = False
    found = bone_below(cartilage, "femur", SPACING_MM)
    middle = found[:, :, 6]
    within = middle & (np.abs(angle - 90) < 80)  # not at its ends
    assert radius[within].max() < 20.3 and radius[within].min() > 15
    inner = (radius < 20) & (radius > 19.5) & (np.abs(angle - 90) < 80)
    assert middle[inner].all()
    assert not (found & cartilage).any()


@pytest.mark.parametrize(
    ("bone", "axis", "sign"), [("tibia", 0, 1), ("patella", 1, -1)]
)
def test_tibia_and_patella_lie_on_one_side(bone, axis, sign):
    plate = np.zeros((40, 40, 20), bool)
    at = [slice(10, 30), slice(10, 30), slice(5, 15)]
    at[axis] = slice(18, 22)
    plate[tuple(at)] = True
    found = np.moveaxis(bone_below(plate, bone, SPACING_MM), axis, 0)
    (places,) = np.nonzero(found[:, 20, 10])
    depth_mm = 0.5 * (1 + np.ptp(places))
    assert depth_mm == pytest.approx(4, abs=0.5)
    assert (places.min() if sign > 0 else places.max()) == (22 if sign > 0 else 17)


def test_what_has_no_cartilage_is_refused():
    plate = np.zeros((10, 10, 10), bool)
    with pytest.raises(ValueError, match="No voxel of the cartilage"):
        bone_below(plate, "femur", SPACING_MM)
    plate[4:6, 4:6, 4:6] = True
    with pytest.raises(ValueError, match="No cartilage lies on a fibula"):
        bone_below(plate, "fibula", SPACING_MM)
