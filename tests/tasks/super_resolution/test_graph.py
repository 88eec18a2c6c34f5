"""The graph against `SuperResolver`."""

import numpy as np
import pytest
import tensorflow as tf

from deepresolve import networks
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.super_resolution.graph import StreamedGraph
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.super_resolver import SuperResolver, resolve

CHAIN = SuperResolutionConfig(num_layers=5, num_features=6)
CONFIGS = {
    "thin grid": CHAIN,
    "folded slices": CHAIN.replace(fold=(1, 1, 3), patch_shape=(32, 32, 33)),
    "folded in-plane": CHAIN.replace(fold=(2, 2, 3), patch_shape=(32, 32, 33)),
}
SPEC = [tf.TensorSpec((None, None, None))]


@pytest.fixture(scope="module", params=CONFIGS.values(), ids=CONFIGS.keys())
def model(request):
    """A network with weights and biases large enough for errors to show."""
    network = networks.build_model(request.param)
    rng = np.random.default_rng(0)
    network.set_weights([rng.normal(0, 0.2, w.shape) for w in network.get_weights()])
    return network


@pytest.mark.parametrize(("block_planes", "factor"), [(1, 2), (4, 3), (1000, 2)])
def test_equals_the_super_resolver(model, block_planes, factor):
    graph = StreamedGraph(model, block_planes)
    resolve = tf.function(
        lambda thick: graph.super_resolve(thick, factor), input_signature=SPEC
    )
    resolver = SuperResolver(model, CHAIN)
    for shape in [(9, 7, 23), (4, 5, 1), (6, 6, 2), (5, 8, 3), (1, 1, 10), (6, 5, 7)]:
        array = np.random.default_rng(1).integers(-100, 3000, shape)
        scan = Volume(array.astype(np.float32), np.eye(4), to_source=np.eye(3, 2))
        expected = resolver.super_resolve(scan, factor).array
        actual = resolve(scan.array)
        assert actual.shape == expected.shape
        tolerance = 1e-5 * np.abs(expected).max()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance)


def test_nothing_lies_below_the_scan(model):
    thick = np.random.default_rng(1).random((8, 8, 9), np.float32)
    scan = Volume(thick, np.eye(4), to_source=np.eye(3, 2))
    _, held = resolve(SuperResolver(model, CHAIN).enhance, scan, 3)
    assert held.share > 0.01  # this network does go below
    thin = StreamedGraph(model).super_resolve(thick, 3)
    assert np.min(thin) == thick.min()


def test_bfloat16_stays_near_float32(model):
    thick = np.random.default_rng(1).random((8, 8, 9), np.float32)
    exact = StreamedGraph(model).super_resolve(thick, 3)
    fast = StreamedGraph(model, dtype="bfloat16").super_resolve(thick, 3)
    difference = np.abs(fast - exact).max()
    assert 0 < difference < 0.1 * np.abs(exact).max()


def test_a_block_needs_a_plane(model):
    with pytest.raises(ValueError, match="at least 1; got 0"):
        StreamedGraph(model, 0)
