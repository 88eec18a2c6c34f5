import keras
import numpy as np
import pytest

from deepresolve.networks.layers import Fold, Unfold


def sub_voxels(volume, factors):
    """Fold by slicing alone: channel (a, b, c) is every f-th voxel from (a, b, c)."""
    f, g, h = factors
    parts = [
        volume[:, a::f, b::g, c::h]
        for a in range(f)
        for b in range(g)
        for c in range(h)
    ]
    return np.concatenate(parts, axis=-1)


@pytest.fixture
def volume():
    return np.random.default_rng(0).normal(size=(2, 6, 4, 9, 2)).astype(np.float32)


@pytest.mark.parametrize("factors", [(1, 1, 3), (2, 2, 3), (3, 4, 9), (1, 1, 1)])
def test_fold_gathers_strided_voxels(volume, factors):
    np.testing.assert_array_equal(Fold(factors)(volume), sub_voxels(volume, factors))


def test_fold_repeats_the_last_plane_to_fill_up():
    volume = np.arange(7, dtype=np.float32).reshape(1, 1, 1, 7, 1)
    folded = np.asarray(Fold((1, 1, 3))(volume))
    np.testing.assert_array_equal(folded[0, 0, 0], [[0, 1, 2], [3, 4, 5], [6, 6, 6]])


@pytest.mark.parametrize("shape", [(6, 4, 9), (5, 3, 7), (1, 1, 1), (2, 4, 10)])
@pytest.mark.parametrize("factors", [(1, 1, 3), (2, 2, 3)])
def test_unfold_undoes_fold_for_any_size(shape, factors):
    volume = np.random.default_rng(1).normal(size=(2, *shape, 1)).astype(np.float32)
    back = Unfold(factors)([Fold(factors)(volume), volume])
    np.testing.assert_array_equal(back, volume)


def test_shapes_are_known_where_sizes_are():
    assert Fold((2, 2, 3)).compute_output_shape((None, 5, None, 7, 2)) == (
        None,
        3,
        None,
        3,
        24,
    )
    unfold = Unfold((1, 1, 3))
    shapes = [(None, 4, 4, 2, 6), (None, 4, 4, 5, 1)]
    assert unfold.compute_output_shape(shapes) == (None, 4, 4, 5, 2)


@pytest.mark.parametrize("layer", [Fold((1, 2, 3)), Unfold((1, 2, 3))])
def test_layers_survive_serialisation(layer):
    config = keras.saving.serialize_keras_object(layer)
    assert keras.saving.deserialize_keras_object(config).factors == (1, 2, 3)
