import keras
import numpy as np
import pytest

from deepresolve.training.callbacks import Divergence
from deepresolve.training.progress import Progress


@pytest.fixture
def callback():
    callback = Divergence(Progress())
    callback.set_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    return callback


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_loss_that_is_not_finite_stops_the_run(callback, loss):
    callback.on_train_batch_end(0, {"loss": 1.0})
    with pytest.raises(ValueError, match="diverged at step 0"):
        callback.on_train_batch_end(1, {"loss": loss})


def test_weights_that_are_not_finite_stop_the_run_at_the_epochs_end(callback):
    callback.on_epoch_end(0, {})
    model = callback.model
    model.set_weights([np.full_like(w, np.inf) for w in model.get_weights()])
    with pytest.raises(ValueError, match="diverged at step 0"):
        callback.on_epoch_end(1, {})


def test_running_statistics_that_are_not_finite_stop_the_run():
    model = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization()])
    callback = Divergence(Progress())
    callback.set_model(model)
    callback.on_epoch_end(0, {})
    running_mean = model.non_trainable_weights[0]
    running_mean.assign(np.full(2, np.nan))
    assert all(np.isfinite(w.numpy()).all() for w in model.trainable_weights)
    with pytest.raises(ValueError, match="diverged at step 0"):
        callback.on_epoch_end(1, {})
