"""The graph against `Segmenter`."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.imaging.intensity import estimate_scale
from deepresolve.tasks.segmentation.graph import SegmentationGraph, most_probable
from deepresolve.tasks.segmentation.models import MODELS
from deepresolve.tasks.segmentation.segmenter import Segmenter
from deepresolve.tasks.trained_run import TrainedRun


@pytest.mark.parametrize(
    ("memory_gib", "engine"),
    [(1e-5, "windows"), (4e-4, "windows"), (4.0, "windows"), (4.0, "stream")],
)
def test_equals_the_segmenter(seg_workdir, monkeypatch, memory_gib, engine):
    """Patches, slabs of whole slices, and the whole volume, which streaming equals."""
    entry = dataclasses.replace(MODELS["seg_cnn"], engine=engine)
    monkeypatch.setitem(MODELS, "seg_cnn", entry)
    run = TrainedRun.open(seg_workdir.path)
    config, model = run.config, run.network()
    segmenter = Segmenter(model, config, memory_gib=memory_gib)
    graph = SegmentationGraph(model, config, memory_gib)
    function = tf.function(
        graph.probabilities, input_signature=[tf.TensorSpec((None, None, None))]
    )
    for shape in [(37, 22, 19), (5, 40, 4)]:
        array = np.random.default_rng(2).integers(0, 900, shape).astype(np.float32)
        scaled = estimate_scale(array).apply(array)
        expected = segmenter.probabilities(scaled)
        actual = function(array)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-5)
        labels = most_probable(actual)
        assert labels.dtype == tf.uint8
        np.testing.assert_array_equal(labels, np.argmax(expected, axis=-1))
