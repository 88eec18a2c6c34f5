import keras
import numpy as np
import pytest

from deepresolve.training.callbacks import StepDecay


def fit(callback, **epochs):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    x = np.ones((2, 1), np.float32)
    history = model.fit(x, x, callbacks=[callback], verbose=0, **epochs)
    return history.history["learning_rate"], float(model.optimizer.learning_rate)


def test_published_schedule():
    # The abstract: 0.001, "60% drop every 5 epochs", 50 epochs; 0.4 to the powers 0..9.
    decay = StepDecay(0.001, 0.6, 5)
    expected = np.repeat(0.001 * np.power(0.4, range(10)), 5)
    np.testing.assert_allclose([decay.rate_at(n) for n in range(50)], expected)


def test_optimizer_and_logs_get_the_rate_of_each_epoch():
    logged, last = fit(StepDecay(0.1, 0.5, 2), epochs=5)
    np.testing.assert_allclose(logged, [0.1, 0.1, 0.05, 0.05, 0.025], rtol=1e-6)
    assert last == pytest.approx(0.025, rel=1e-6)


def test_resumed_run_has_the_rates_that_it_would_have_had():
    logged, last = fit(StepDecay(0.1, 0.5, 2), initial_epoch=3, epochs=5)
    np.testing.assert_allclose(logged, [0.05, 0.025], rtol=1e-6)
    assert last == pytest.approx(0.025, rel=1e-6)


def test_rate_stands_before_the_first_step_of_an_epoch():
    # A whole step along the slope of 1/2 w^2 at the rate 1 leads from anywhere to 0.
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(7.0), "mse")
    x = np.ones((1, 1), np.float32)
    model.fit(x, 0 * x, callbacks=[StepDecay(0.5, 0.6, 5)], verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], 0, atol=1e-6)


@pytest.mark.parametrize("arguments", [(-0.1, 0.5, 5), (0.1, 1.5, 5), (0.1, 0.5, 0)])
def test_what_makes_no_sense_is_refused(arguments):
    with pytest.raises(ValueError, match="StepDecay needs"):
        StepDecay(*arguments)
