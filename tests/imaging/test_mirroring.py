import itertools

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging.mirroring import left_right_axis, mirrored_classes
from deepresolve.imaging.volume import Volume


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_left_right_axis_is_the_one_along_world_x(order):
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[list(order)]  # world x is voxel axis order[0]
    turn = nib.eulerangles.euler2mat(0.2, -0.1, 0.3)
    affine[:3, :3] = turn @ affine[:3, :3]
    volume = Volume(np.zeros((2, 2, 2)), affine)
    assert left_right_axis(volume) == order[0]


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (("femoral cartilage", "medial meniscus", "lateral meniscus"), (0, 1, 2, 3)),
        (("left femur", "tibia", "right femur"), (0, 3, 2, 1)),
        (("femur_LEFT", "femur_RIGHT"), (0, 2, 1)),
        (("cleft", "bright", "upright", "leftover"), (0, 1, 2, 3, 4)),
    ],
)
def test_left_and_right_change_places_and_nothing_else_does(names, numbers):
    assert mirrored_classes(names) == numbers


def test_class_without_its_counterpart_cannot_be_mirrored():
    with pytest.raises(ValueError, match="'left femur' becomes 'right femur', which"):
        mirrored_classes(("left femur", "tibia"))
