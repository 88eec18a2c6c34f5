"""Scans on the grid that a run asks for, before patches are cut."""

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.imaging.volume import Volume
from deepresolve.tasks.segmentation.pairs import SegmentationPairs
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.segmentation.task import TASK

CONFIG = SegmentationConfig(
    classes=("round ball", "brick"),
    patch_shape=(16, 16, 8),
    patch_sampling="random",
    patches_per_volume=2,
)
NAMES = {1: "round ball", 4: "brick"}


@pytest.fixture
def stored(labelled_data):
    (first, *_) = labelled_data.volumes(tf.constant([0, 0], tf.int64)).take(1)
    return first


def prepared(stored, **changes):
    pairs = SegmentationPairs(CONFIG.replace(**changes), NAMES)
    return pairs, pairs.prepare(stored, tf.constant([0, 0], tf.int64))


def test_without_a_grid_scans_are_as_they_are(stored):
    pairs, scan = prepared(stored)
    np.testing.assert_array_equal(scan.image[..., 0], stored["image"])
    np.testing.assert_array_equal(scan.target[..., 0] == 2, stored["label"] == 4)
    with pytest.raises(ValueError, match="too few for a patch"):
        pairs.check_fits((24, 12, 16), "knee")


def test_a_scan_is_brought_to_the_grid_and_filled_up_to_a_patch(stored):
    pairs, scan = prepared(stored, grid_mm=(2.0, 3.0))
    # 24 x 20 pixels of 1 mm: 12 x 10 of 2 mm; a patch has 16 x 16.
    assert scan.image.shape == scan.target.shape == (16, 16, 16, 1)
    halved = stored["image"].numpy().reshape(12, 2, 10, 2, 16).mean(axis=(1, 3))
    np.testing.assert_allclose(scan.image[:12, :10, :, 0], halved, atol=1e-6)
    np.testing.assert_array_equal(
        scan.image[12:, :10], scan.image[11:12, :10].numpy().repeat(4, 0)
    )
    spacing_mm = np.linalg.norm(scan.affine.numpy()[:3, :3], axis=0)
    np.testing.assert_allclose(spacing_mm, (2, 2, 3))
    pairs.check_fits((24, 12, 16), "knee")


def test_a_scan_is_turned_to_the_plane(stored):
    _, scan = prepared(stored, plane="coronal")
    # Rows go down, columns to the left, slices to the back.
    assert scan.image.shape[:3] == (24, 16, 20)
    volume = Volume(scan.image[..., 0].numpy(), scan.affine.numpy(), slice_axis=2)
    assert volume.plane == "coronal"
    own = Volume(stored["image"].numpy(), stored["affine"].numpy(), slice_axis=2)
    np.testing.assert_array_equal(volume.array, own.in_plane("coronal").array)


def test_in_a_dataset_shapes_are_known_as_far_as_they_are(labelled_data):
    pairs = SegmentationPairs(CONFIG.replace(grid_mm=(2.0, 3.0)), NAMES)
    dataset = labelled_data.volumes(None).map(
        lambda volume: pairs.prepare(volume, tf.constant([0, 0], tf.int64))
    )
    assert dataset.element_spec.image.shape.as_list() == [None, None, None, 1]
    assert dataset.element_spec.affine.shape.as_list() == [4, 4]


def test_what_a_run_saw_is_on_its_grid(labelled_data):
    (scan,) = TASK.seen(CONFIG, labelled_data.validation[0].image)[1]
    assert scan.spacing_mm == (1, 1, 3)
    config = CONFIG.replace(grid_mm=(2.0, 3.0), plane="axial")
    (scan,) = TASK.seen(config, labelled_data.validation[0].image)[1]
    assert scan.plane == "axial"
    np.testing.assert_allclose(scan.spacing_mm, (2, 2, 3), rtol=0.1)
