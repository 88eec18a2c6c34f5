"""The graph against `restoring`, which SciPy's numbers hold."""

import numpy as np
import pytest
import tensorflow as tf

from deepresolve import networks
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.views import graph as graphs
from deepresolve.tasks.super_resolution.views import restoring
from deepresolve.tasks.super_resolution.views.graph import Geometry, ViewsGraph
from deepresolve.tasks.super_resolution.views.slicing import ThinGrid

CONFIG = SuperResolutionConfig(model="sr_views", num_layers=3, num_features=4)
SPACING_MM = (0.5, 0.7, 3.0)
SPEC = (
    tf.TensorSpec((None, None, None), tf.float32),
    tf.TensorSpec((3,), tf.float32),
    tf.TensorSpec((), tf.float32),
    tf.TensorSpec((), tf.bool),
)


@pytest.fixture(scope="module")
def model():
    """A network with weights and biases large enough for errors to show."""
    network = networks.build_model(CONFIG)
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0, 0.2, w.shape) for w in network.get_weights()])
    return network


def traced(model, factor):
    graph = ViewsGraph(model)
    return tf.function(
        lambda thick, *geometry: graph.super_resolve(
            thick, factor, Geometry(*geometry)
        ),
        input_signature=SPEC,
    )


def voxels(*shape):
    array = np.random.default_rng(1).integers(-100, 3000, shape)
    return array.astype(np.float32)


def in_numpy(model, thick, factor, profile):
    scale = estimate_scale(thick)
    scan = restoring.ThickScan(
        scale.apply(thick), SPACING_MM[:2], SPACING_MM[2], profile
    )
    grid = ThinGrid.of_centres(thick.shape[2], factor)
    thin = restoring.restore(restoring.graph_of(model), scan, grid).thin
    return np.maximum(scale.invert(thin), thick.min())


@pytest.mark.parametrize(
    ("factor", "at_once"), [(2, 1), (3, 100), (8, 1), (8, restoring.VOXELS_AT_ONCE)]
)
def test_equals_restoring(model, factor, at_once, monkeypatch):
    monkeypatch.setattr(graphs, "VOXELS_AT_ONCE", at_once)
    resolve = traced(model, factor)
    for shape in [(9, 7, 5), (4, 5, 1), (6, 6, 2), (5, 8, 3), (10, 3, 11)]:
        thick = voxels(*shape)
        expected = in_numpy(model, thick, factor, SliceProfile("rect", 2.4))
        actual = resolve(thick, SPACING_MM, 2.4, False)
        assert actual.shape == expected.shape
        tolerance = 1e-5 * np.ptp(thick)
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


def test_the_network_is_told_the_geometry(model):
    thick, resolve = voxels(8, 9, 6), traced(model, 3)
    base = np.asarray(resolve(thick, SPACING_MM, 3.0, False))
    encoded = in_numpy(model, thick, 3, SliceProfile("fir", 3.0))
    actual = resolve(thick, SPACING_MM, 3.0, True)
    np.testing.assert_allclose(actual, encoded, rtol=0, atol=1e-5 * np.ptp(thick))
    others = [actual, resolve(thick, SPACING_MM, 2.0, False)]
    others += [resolve(thick, (0.5, mm, 3.0), 3.0, False) for mm in (0.5, 0.9)]
    for other in others:
        assert np.abs(other - base).max() > 1e-3 * np.ptp(thick)


@pytest.mark.parametrize(
    ("spacing_mm", "thickness_mm"),
    [((0.5, 0.0, 3.0), 3.0), ((0.5, 0.7, np.nan), 3.0), (SPACING_MM, -1.0)],
)
def test_lengths_are_above_zero(model, spacing_mm, thickness_mm):
    with pytest.raises(tf.errors.InvalidArgumentError, match="are above 0; got"):
        traced(model, 2)(voxels(6, 6, 4), spacing_mm, thickness_mm, False)
