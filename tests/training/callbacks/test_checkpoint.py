import functools
import importlib.util
import shutil

import keras
import numpy as np
import pytest

from deepresolve.runs.workdir import Workdir
from deepresolve.system.keras_stack import loss_scale
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.training.callbacks import Checkpoint
from deepresolve.training.optimizers import (
    OPTIMIZERS,
    build_optimizer,
    create_variables,
)
from deepresolve.training.progress import Progress
from deepresolve.training.resuming.random_state import kept_in_variables

ADDONS = importlib.util.find_spec("tensorflow_addons") is not None


@pytest.fixture
def make(tmp_path):
    """Builds a model with its checkpoint callback in one shared workdir."""

    def build(minutes=60.0, optimizer="adam", precision="float32", agree=float):
        with kept_in_variables():
            layers = keras.layers.Dropout(0.5, seed=1), keras.layers.Dense(1)
            model = keras.Sequential([keras.Input((8,)), *layers])
        config = SuperResolutionConfig(
            optimizer=optimizer, learning_rate=0.1, clip_norm=1.0
        )
        model.compile(build_optimizer(config, precision), "mse", jit_compile=False)
        create_variables(model.optimizer, model.trainable_variables)
        progress = Progress()
        callback = Checkpoint(
            *(Workdir(tmp_path), model, progress, 10, minutes),
            monitor="val_psnr",
            agree=agree,
        )
        callback.set_model(model)
        return model, progress, callback

    return build


def train(model, steps=1):
    x, y = (np.ones((4 * steps, n), np.float32) for n in (8, 1))
    model.fit(x, y, batch_size=4, verbose=0)


def test_nothing_to_restore_at_first(make, tmp_path):
    _, _, callback = make()
    assert callback.restore(Workdir(tmp_path)) is False


# In float16 each is within one and the same that scales the loss.
@pytest.mark.parametrize(
    ("optimizer", "precision"),
    [*((name, "float32") for name in OPTIMIZERS), ("adam", "mixed_float16")],
)
def test_all_that_a_run_is_comes_back(make, tmp_path, optimizer, precision):
    try:
        model, progress, callback = make(optimizer=optimizer, precision=precision)
    except ValueError:
        assert not ADDONS
        pytest.skip("needs tensorflow-addons")
    train(model, steps=7)  # Lookahead looks back after six
    progress.step.assign(7)
    progress.seconds.assign(2.5)
    callback.on_epoch_end(0, {"val_psnr": 30.0})
    restored, its_progress, its_callback = make(
        optimizer=optimizer, precision=precision
    )
    assert its_callback.restore(Workdir(tmp_path)) is True
    for a, b in zip(model.get_weights(), restored.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert (int(its_progress.step), float(its_progress.seconds)) == (7, 2.5)
    assert float(its_progress.best) == 30.0
    # The same next steps show that the moments and dropout's state came back as well.
    train(model, steps=6)
    train(restored, steps=6)
    for a, b in zip(model.get_weights(), restored.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    Workdir(tmp_path).load_model("best")


def test_loss_scale_and_the_steps_since_it_changed_come_back(
    make, tmp_path, monkeypatch
):
    wrapper = keras.mixed_precision.LossScaleOptimizer
    soon = functools.partial(wrapper, dynamic_growth_steps=10)
    monkeypatch.setattr(keras.mixed_precision, "LossScaleOptimizer", soon)
    model, _, callback = make(precision="mixed_float16")
    x = np.ones((4, 8), np.float32)
    model.fit(x, np.full((4, 1), np.inf, np.float32), verbose=0)  # skipped: halved
    train(model, steps=3)
    callback.on_epoch_end(0, {})
    restored, _, its_callback = make(precision="mixed_float16")
    its_callback.restore(Workdir(tmp_path))
    assert loss_scale(restored.optimizer) == 2**14
    # It doubles after 10 steps without overflow: 3 are done.
    train(restored, steps=6)
    assert loss_scale(restored.optimizer) == 2**14
    train(restored)
    assert loss_scale(restored.optimizer) == 2**15


@pytest.mark.parametrize(
    ("step", "stop", "awaits"), [(9, False, False), (10, False, True), (7, True, True)]
)
def test_interrupted_run_knows_whether_its_epoch_is_validated(
    make, tmp_path, step, stop, awaits
):
    model, progress, callback = make()
    progress.step.assign(step)
    model.stop_training = stop
    callback.save_interrupted()
    _, its_progress, its_callback = make()
    its_callback.restore(Workdir(tmp_path))
    assert int(its_progress.step) == step
    assert bool(its_progress.awaits_validation) is awaits
    callback.on_epoch_end(0, {})
    assert not bool(progress.awaits_validation)


def test_best_keeps_the_highest_score_and_last_the_last(make, tmp_path):
    model, _, callback = make()
    weights = []
    for epoch, score in enumerate([30.0, 33.0, 31.0]):
        train(model)
        weights.append(model.get_weights())
        callback.on_epoch_end(epoch, {"val_psnr": score})
    workdir = Workdir(tmp_path)
    for name, epoch in [("best", 1), ("last", 2)]:
        for a, b in zip(
            workdir.load_model(name).get_weights(), weights[epoch], strict=True
        ):
            np.testing.assert_array_equal(a, b)


def test_without_a_score_the_last_is_the_best(make, tmp_path):
    model, _, callback = make()
    for epoch in range(2):
        train(model)
        callback.on_epoch_end(epoch, {})
    best = Workdir(tmp_path).load_model("best")
    for a, b in zip(best.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("minutes", "step", "stop", "saved"),
    [
        (0.0, 9, False, True),
        (60.0, 9, False, False),
        (0.0, 10, False, False),  # the last of an epoch: on_epoch_end saves
        (0.0, 9, True, False),  # the last one of the run
    ],
)
def test_long_epochs_are_saved_within(make, tmp_path, minutes, step, stop, saved):
    model, progress, callback = make(minutes)
    progress.step.assign(step)
    model.stop_training = stop
    callback.on_train_batch_end(0)
    assert (tmp_path / "checkpoints" / "checkpoint").exists() is saved


def test_second_save_of_a_step_does_not_overwrite_the_first(make, tmp_path):
    _, _, callback = make()
    callback.on_epoch_end(0, {})
    callback.on_epoch_end(0, {})
    indexes = sorted(path.name for path in (tmp_path / "checkpoints").glob("*.index"))
    # ckpt-1 came before the first weights.
    assert indexes == ["ckpt-2.index", "ckpt-3.index"]


def test_no_kill_leaves_weights_without_a_checkpoint(make, tmp_path, monkeypatch):
    model, _, callback = make()
    train(model)

    def kill(*args):
        raise SystemExit

    monkeypatch.setattr(Workdir, "save_model", kill)
    with pytest.raises(SystemExit):
        callback.on_epoch_end(0, {"val_psnr": 30.0})
    _, progress, its_callback = make()
    assert its_callback.restore(Workdir(tmp_path)) is True
    assert bool(progress.awaits_validation)


def test_weights_without_a_checkpoint_are_not_trained_over(make, tmp_path):
    _, _, callback = make()
    callback.on_epoch_end(0, {})
    shutil.rmtree(tmp_path / "checkpoints")
    _, _, its_callback = make()
    with pytest.raises(ValueError, match=r"holds best\.keras and last\.keras .* no "):
        its_callback.restore(Workdir(tmp_path))


def test_weights_that_are_not_finite_are_not_saved(make, tmp_path):
    model, progress, callback = make(0.0)
    progress.step.assign(3)
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    with pytest.raises(ValueError, match="diverged at step 3"):
        callback.on_train_batch_end(0)
    assert not (tmp_path / "checkpoints" / "checkpoint").exists()


def test_workers_save_by_the_score_of_the_chief(make, tmp_path):
    _, progress, callback = make(agree=lambda score: 31.0)
    callback.on_epoch_end(0, {"val_psnr": 30.0})
    assert float(progress.best) == 31.0
