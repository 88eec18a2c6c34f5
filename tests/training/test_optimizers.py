import importlib.util

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.system.keras_stack import loss_scale
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.training.optimizers import (
    OPTIMIZERS,
    build_optimizer,
    create_variables,
)

ADDONS = importlib.util.find_spec("tensorflow_addons") is not None
OF_ADDONS = {
    *("adabelief", "lookahead", "novograd", "ranger", "rectified_adam", "yogi")
}
AVAILABLE = sorted(set(OPTIMIZERS) - (set() if ADDONS else OF_ADDONS))


def weights(*values):
    """A layer's only weights: a column."""
    layer = keras.layers.Dense(1, use_bias=False)
    layer.build((None, len(values)))
    layer.set_weights([np.reshape(np.float32(values), (-1, 1))])
    return layer.trainable_variables[0]


def step(optimizer, variable, *gradient):
    """Where one step leads."""
    column = np.reshape(np.float32(gradient), (-1, 1))
    optimizer.apply_gradients([(tf.constant(column), variable)])
    return np.array(variable)[:, 0]


def make(variable, **fields):
    optimizer = build_optimizer(SuperResolutionConfig(**fields))
    create_variables(optimizer, [variable])
    return optimizer


@pytest.mark.parametrize("name", AVAILABLE)
def test_every_optimizer_takes_rate_and_clipping(name):
    variable = weights(1, 2)
    optimizer = make(variable, optimizer=name, learning_rate=0.125, clip_norm=0.5)
    assert float(optimizer.learning_rate) == 0.125
    assert optimizer.clipnorm == 0.5
    moved = step(optimizer, variable, 3, 4)
    assert np.isfinite(moved).all()
    assert (moved < [1, 2]).all()


@pytest.mark.parametrize("name", AVAILABLE)
def test_rate_that_a_schedule_sets_is_the_rate_of_the_next_step(name):
    variable = weights(1, 2)
    optimizer = make(variable, optimizer=name, learning_rate=1.0)
    optimizer.learning_rate = 0.0
    np.testing.assert_array_equal(step(optimizer, variable, 3, 4), [1, 2])
    assert float(optimizer.learning_rate) == 0


@pytest.mark.parametrize(
    "name",
    [
        "sgd",
        # Its first steps are the clipped gradient's own (Liu, ICLR 2020, algorithm 2).
        *(["rectified_adam", "ranger"] if ADDONS else []),
    ],
)
def test_gradient_is_clipped_to_its_norm(name):
    variable = weights(1, 2)
    optimizer = make(variable, optimizer=name, learning_rate=0.1, clip_norm=0.5)
    # (3, 4) has the norm 5: a tenth of it remains.
    moved = step(optimizer, variable, 3, 4)
    np.testing.assert_allclose(moved, [1 - 0.1 * 0.3, 2 - 0.1 * 0.4], rtol=1e-6)


@pytest.mark.parametrize("name", AVAILABLE)
def test_loss_scaling_keeps_rate_clipping_and_build(name):
    variable = weights(1, 2)
    config = SuperResolutionConfig(optimizer=name, learning_rate=0.125, clip_norm=0.5)
    optimizer = build_optimizer(config, "mixed_float16")
    create_variables(optimizer, [variable])
    assert isinstance(optimizer, keras.mixed_precision.LossScaleOptimizer)
    assert loss_scale(optimizer) == 2**15  # Keras's default on both stacks
    assert float(optimizer.learning_rate) == 0.125
    assert optimizer.inner_optimizer.clipnorm == 0.5
    optimizer.learning_rate = 0.0
    assert float(optimizer.inner_optimizer.learning_rate) == 0


def test_gradient_is_clipped_after_it_is_unscaled():
    # Of a loss of 3 a + 4 b: the gradient (3, 4) has the norm 5, far less than scaled.
    variable = weights(1, 2)
    layer = keras.layers.Dense(1, use_bias=False)
    model = keras.Sequential([keras.Input((2,)), layer])
    layer.set_weights([np.array(variable)])
    config = SuperResolutionConfig(optimizer="sgd", learning_rate=0.1, clip_norm=0.5)
    optimizer = build_optimizer(config, "mixed_float16")
    model.compile(optimizer, lambda y_true, y_pred: y_pred, jit_compile=False)
    model.train_on_batch(np.float32([[3, 4]]), np.float32([[0]]))
    expected = [1 - 0.1 * 0.3, 2 - 0.1 * 0.4]
    np.testing.assert_allclose(layer.get_weights()[0][:, 0], expected, rtol=1e-6)


def test_lamb_takes_a_step_as_long_as_the_weights():
    # You, ICLR 2020, algorithm 2: the first step of Adam is the gradient's sign, which
    # is then scaled to the norm of the weights: 5 / sqrt(2) each way.
    variable = weights(3, 4)
    moved = step(make(variable, optimizer="lamb", learning_rate=0.1), variable, 1, 1)
    expected = np.array([3, 4]) - 0.1 * 5 / np.sqrt(2)
    np.testing.assert_allclose(moved, expected, rtol=1e-4)


def test_lookahead_goes_half_the_way_back_after_six_steps():
    if not ADDONS:
        pytest.skip("needs tensorflow-addons")
    variable = weights(0)
    optimizer = make(variable, optimizer="lookahead", learning_rate=0.1)
    # Adam's steps along a constant gradient are the rate long (Zhang, NeurIPS 2019).
    for expected in (-0.1, -0.2, -0.3, -0.4, -0.5, -0.6 / 2, -0.4):
        moved = step(optimizer, variable, 1)
        np.testing.assert_allclose(moved, [expected], rtol=1e-4)


def test_no_clipping_unless_asked_for():
    assert build_optimizer(SuperResolutionConfig()).clipnorm is None


def test_whole_number_is_a_rate():
    assert {
        float(
            build_optimizer(
                SuperResolutionConfig(optimizer=name, learning_rate=1)
            ).learning_rate
        )
        for name in AVAILABLE
    } == {1.0}


def test_unknown_optimizer_names_the_known():
    with pytest.raises(ValueError, match=r"'adam', 'adamax', 'adamw'"):
        build_optimizer(SuperResolutionConfig(optimizer="hope"))


@pytest.mark.parametrize("name", sorted(OF_ADDONS))
def test_optimizer_of_the_other_stack_says_how_to_get_it(name):
    if ADDONS:
        pytest.skip("tensorflow-addons is here")
    with pytest.raises(ValueError, match=r"2\.16 on.*pip install '\.\[addons\]'"):
        build_optimizer(SuperResolutionConfig(optimizer=name))
