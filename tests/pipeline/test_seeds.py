import numpy as np
import tensorflow as tf

from deepresolve.pipeline.seeds import STREAMS, subseed


def test_each_stream_has_a_number_of_its_own():
    assert len(set(STREAMS)) == len(STREAMS)


def test_paths_have_seeds_of_their_own():
    parent = tf.constant([3, 4], tf.int64)
    paths = [(), (0,), (1,), (0, 0), (0, 1), (1, 0)]
    seeds = [tuple(subseed(parent, *path).numpy()) for path in paths]
    assert len(set(seeds)) == len(paths)
    assert subseed(parent, 5).dtype == tf.int64


def test_a_path_is_taken_step_by_step_eagerly_and_in_a_dataset(compute):
    parent = np.array([3, 4])
    whole = compute(lambda seed: subseed(seed, 7, 8), parent)
    steps = compute(lambda seed: subseed(subseed(seed, 7), 8), parent)
    np.testing.assert_array_equal(whole, steps)
    np.testing.assert_array_equal(whole, subseed(tf.constant(parent), 7, 8))
