import keras
import numpy as np
import pytest

from deepresolve.system.keras_stack import KERAS_3
from deepresolve.training.resuming.random_state import kept_in_variables, random_state

ONES = np.ones((1, 1000), np.float32)


def dropping():
    inputs = keras.Input((1000,))
    x = keras.layers.Dropout(0.5, seed=1)(keras.layers.Dropout(0.5, seed=2)(inputs))
    return keras.Model(inputs, x)


def test_same_state_drops_the_same():
    with kept_in_variables():
        model = dropping()
    states = random_state(model)
    assert len(states) == 2
    before = [np.array(state) for state in states]
    first, second = (model(ONES, training=True).numpy() for _ in range(2))
    assert (first != second).any()
    for state, value in zip(states, before, strict=True):
        state.assign(value)
    np.testing.assert_array_equal(model(ONES, training=True).numpy(), first)


def test_network_without_random_numbers_has_no_state():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(), "mse")
    assert random_state(model) == []


def test_setting_of_keras_is_as_before():
    if KERAS_3:
        pytest.skip("Keras 3 has no such setting")
    enabled = keras.backend.experimental.is_tf_random_generator_enabled
    with kept_in_variables():
        assert enabled()
    assert not enabled()
    with pytest.raises(ValueError, match="stop"), kept_in_variables():
        raise ValueError("stop")
    assert not enabled()
