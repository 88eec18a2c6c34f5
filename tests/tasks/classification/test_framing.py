"""Scans in the pixels and slices of a network, and back."""

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.tasks.classification.framing import framed, some_slices, unframed


def test_proportions_are_kept_and_the_rest_is_air():
    image = np.ones((40, 20, 3), np.float32)
    frame = framed(tf.constant(image), (10, 10)).numpy()
    expected = np.zeros((10, 10, 3))
    expected[:, 2:7] = 1  # 5 columns; the odd one of what is left comes after them
    np.testing.assert_allclose(frame, expected, atol=1e-6)


def test_fine_stripes_are_averaged_not_aliased():
    image = np.zeros((48, 48, 1), np.float32)
    image[::2] = 1
    frame = framed(tf.constant(image), (12, 12)).numpy()
    np.testing.assert_allclose(frame[2:-2], 0.5, atol=0.05)


def test_what_is_unframed_lies_where_it_was():
    rows, columns = np.meshgrid(np.arange(30.0), np.arange(20.0), indexing="ij")
    ramp = np.stack([rows, columns], axis=-1).astype(np.float32)
    frame = framed(tf.constant(ramp), (30, 30))
    np.testing.assert_allclose(unframed(frame, (30, 20), (30, 30)), ramp, atol=1e-4)


@pytest.mark.parametrize("offset", [0.0, 0.5, 0.999])
def test_slices_are_taken_at_even_distances(offset):
    image = tf.reshape(tf.range(24.0), (1, 1, 24))
    found = some_slices(image, 6, tf.constant(offset)).numpy().ravel()
    np.testing.assert_array_equal(np.diff(found), 4)
    assert found[0] == int(4 * offset)


@pytest.mark.parametrize("offset", [0.0, 0.999])
def test_slices_that_are_missing_are_air(offset):
    image = tf.reshape(tf.range(1.0, 4.0), (1, 1, 3))
    found = some_slices(image, 5, tf.constant(offset)).numpy().ravel()
    np.testing.assert_array_equal(found, [1, 2, 3, 0, 0])
