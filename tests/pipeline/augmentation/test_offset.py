"""Moving a patch within the slices."""

import numpy as np
import tensorflow as tf

from deepresolve.pipeline.augmentation import offset, warp


def test_lies_within_its_share_and_reaches_it():
    drawn = [
        offset.sample_offset(tf.constant([3, n]), 0.11, (224, 100, 8)).numpy()
        for n in range(200)
    ]
    assert np.abs(drawn).max(axis=0).tolist() in ([25, 11, 0], [24, 11, 0])
    assert np.min(drawn, axis=0)[0] < 0 < np.max(drawn, axis=0)[0]


def test_a_patch_is_moved_by_it_and_filled_with_air():
    image = np.random.default_rng(0).random((6, 5, 2, 1)).astype(np.float32)
    first = tf.constant([2, -1, 0])
    place = (tf.eye(2), first, (6, 5, 2), tf.ones(2))
    moved = warp.apply_warp(tf.constant(image), *place, interpolation="BILINEAR")
    expected = np.zeros_like(image)
    expected[:4, 1:] = image[2:, :-1]
    np.testing.assert_allclose(moved, expected, atol=1e-6)
