"""Ends trainings in the middle, in every way, and goes on with them."""

import contextlib
import itertools
import shutil
import signal

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.runs.workdir import Workdir
from deepresolve.system import locking
from deepresolve.system.interruption import Interrupted
from deepresolve.system.keras_stack import loss_scale
from deepresolve.system.locking import InUseError
from deepresolve.training import callbacks


def assert_same(weights, others):
    for a, b in zip(weights, others, strict=True):
        np.testing.assert_array_equal(a, b)


def stored_weights(path, name):
    return Workdir(path).load_model(name).get_weights()


@pytest.fixture
def complete(undisturbed, tmp_path):
    """A run of its own that is complete."""
    return shutil.copytree(undisturbed.path, tmp_path / "complete")


def test_killed_and_moved_run_ends_with_the_weights_of_an_undisturbed_one(
    undisturbed, train, config, tmp_path, killed, caplog
):
    config = config.replace(checkpoint_minutes=0.0)  # after every step
    first, then = (tmp_path / name / "run" for name in ("x=[1,2]", "{é}* %20\\"))
    with killed(4):  # the last step of the first epoch
        train(first, config)
    then.parent.mkdir()
    first.rename(then)
    with caplog.at_level("INFO", "deepresolve"):
        with killed(7):
            train(then, config)
        resumed = train(then, config)
    for step in (3, 6):
        assert f"Resuming {then} at step {step} " in caplog.text
    assert_same(undisturbed.weights, resumed.get_weights())
    for name in ("best", "last"):
        assert_same(stored_weights(undisturbed.path, name), stored_weights(then, name))
    assert not first.exists()


def test_a_second_training_is_kept_out_and_changes_nothing(train, complete):
    workdir = Workdir(complete)
    before = {p: p.stat().st_mtime_ns for p in complete.rglob("*")}
    with (
        workdir.claimed(),
        pytest.raises(InUseError, match="written by another training: process"),
    ):
        train(complete)
    assert {p: p.stat().st_mtime_ns for p in complete.rglob("*")} == before


def test_a_training_that_was_taken_over_saves_nothing_more(
    train, config, saved_step, tmp_path, monkeypatch
):
    def taken(claim):
        if (tmp_path / "checkpoints" / "ckpt-3.index").exists():
            raise InUseError("taken over")

    monkeypatch.setattr(locking.Claim, "check", taken)
    with pytest.raises(InUseError):
        train(tmp_path, config.replace(checkpoint_minutes=0.0))
    assert saved_step(tmp_path) == 3


def test_a_run_whose_checkpoints_are_damaged_does_not_begin_anew(train, complete):
    for index in (complete / "checkpoints").glob("*.index"):
        index.write_bytes(index.read_bytes()[:100])
    before = {p: p.stat().st_mtime_ns for p in complete.rglob("*.*")}
    with pytest.raises(ValueError, match=r"none can be restored: ckpt-\d.* ckpt-\d"):
        train(complete)
    assert {p: p.stat().st_mtime_ns for p in complete.rglob("*.*")} == before


@pytest.fixture(scope="module")
def interrupted():
    """A context in which SIGTERM comes at the n-th call of a callback's method."""

    @contextlib.contextmanager
    def at(callback, method, call):
        original = getattr(callback, method)
        calls = itertools.count(1)

        def then_signal(*args, **kwargs):
            if next(calls) == call:
                signal.raise_signal(signal.SIGTERM)
            return original(*args, **kwargs)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(callback, method, then_signal)
            with pytest.raises(Interrupted):
                yield

    return at


# One after the other in one run of three epochs of four steps: of which callback's
# method, in which of its calls since the last start, and the step that is then saved.
SIGNALS = [
    ("VolumeValidation", "on_epoch_end", 1, 4),
    ("VolumeValidation", "on_epoch_end", 1, 4),  # again, as it is made up for
    ("Clock", "on_train_batch_end", 2, 6),  # within the second epoch
    ("Checkpoint", "on_epoch_end", 1, 9),  # too late: the next step's end will do
    ("Clock", "on_train_batch_end", 3, 12),  # the last step of the run
]


def test_signals_save_the_step_and_lose_nothing(
    undisturbed, train, saved_step, scalars, tmp_path, interrupted, caplog
):
    for callback, method, call, step in SIGNALS:
        caplog.clear()
        with (
            caplog.at_level("INFO", "deepresolve"),
            interrupted(getattr(callbacks, callback), method, call),
        ):
            train(tmp_path)
        assert saved_step(tmp_path) == step
        assert f"SIGTERM: step {step} is saved in {tmp_path}. The same" in caplog.text
        # Only an epoch that was validated has weights.
        assert (tmp_path / "best.keras").exists() is (step > 4)
    train(tmp_path)
    for name in ("best", "last"):
        assert_same(
            stored_weights(undisturbed.path, name), stored_weights(tmp_path, name)
        )
    assert_same(undisturbed.weights, stored_weights(tmp_path, "last"))
    # Every epoch has been validated, in one of the processes.
    scores = [scalars(p)["epoch_psnr"] for p in (undisturbed.path, tmp_path)]
    assert scores[0] == scores[1]


def test_killed_run_in_float16_goes_on_with_its_loss_scale(
    train, config, scalars, tmp_path, killed
):
    config = config.replace(
        precision="mixed_float16",
        checkpoint_minutes=0.0,
        clip_norm=1.0,
        num_epochs=2,
        validation_volumes=0,
    )
    undisturbed = train(tmp_path / "a", config)
    with killed(6):
        train(tmp_path / "b", config)
    resumed = train(tmp_path / "b", config)
    assert loss_scale(undisturbed.optimizer) == loss_scale(resumed.optimizer)
    assert_same(undisturbed.get_weights(), resumed.get_weights())
    assert scalars(tmp_path / "b")["epoch_loss_scale"][1] == 2**15


def test_finished_run_is_not_trained_again(undisturbed, train, complete, caplog):
    with caplog.at_level("INFO", "deepresolve"):
        again = train(complete).get_weights()
    assert "is complete" in caplog.text
    assert_same(undisturbed.weights, again)


def test_other_records_cannot_go_on_with_a_run(train, edges, complete):
    with pytest.raises(ValueError, match="a run on other records"):
        train(complete, data=edges._replace(sha256="def"))


def test_another_config_cannot_take_over_a_workdir(train, config, tmp_path):
    Workdir(tmp_path).start(config)
    with pytest.raises(ValueError, match="seed: 0 there, 1 asked"):
        train(tmp_path, config.replace(seed=1))


def test_longer_run_goes_on_where_the_shorter_one_ended(
    train, config, saved_step, complete, caplog
):
    (complete / "best.keras").unlink()
    with caplog.at_level("INFO", "deepresolve"):
        train(complete, config.replace(num_epochs=4))
    assert saved_step(complete) == 4 * 4
    assert Workdir(complete).load_config().num_epochs == 4
    # Instead of the best weights, which were lost, those that it goes on from.
    assert "best.keras is missing or damaged" in caplog.text
    assert "Epoch 3 is trained: validating it." in caplog.text
    assert Workdir(complete).has_whole_model("best")


def test_kill_during_the_last_validation_leaves_a_run_that_is_not_complete(
    train, config, saved_step, tmp_path, monkeypatch
):
    config = config.replace(checkpoint_minutes=0.0, num_epochs=1)

    def kill(*args):
        raise SystemExit  # nothing of ours catches it

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.VolumeValidation, "on_epoch_end", kill)
        with pytest.raises(SystemExit):
            train(tmp_path, config)
    assert saved_step(tmp_path) == 3  # of 4
    weights = train(tmp_path, config).get_weights()
    for name in ("best", "last"):
        assert_same(weights, stored_weights(tmp_path, name))


def test_complete_run_gets_its_missing_weights_back_and_no_provenance(
    undisturbed, train, complete
):
    (complete / "last.keras").unlink()
    train(complete)
    assert len(Workdir(complete).load_provenance()) == 1
    assert_same(undisturbed.weights, stored_weights(complete, "last"))


@pytest.mark.parametrize("damage", ["missing", "cut short", "changed"])
def test_lost_best_weights_are_told_and_replaced(train, complete, caplog, damage):
    best = complete / "best.keras"
    whole = best.read_bytes()
    if damage == "missing":
        best.unlink()
    elif damage == "cut short":
        best.write_bytes(whole[: len(whole) // 2])
    else:
        middle = len(whole) // 2
        flipped = bytes([whole[middle] ^ 1])
        best.write_bytes(whole[:middle] + flipped + whole[middle + 1 :])
    with caplog.at_level("INFO", "deepresolve"):
        train(complete)
    assert "best.keras is missing or damaged" in caplog.text
    assert "at step 12 (epoch 3 of 3, step 4 of 4)" in caplog.text
    assert_same(stored_weights(complete, "last"), stored_weights(complete, "best"))
    # Told once.
    caplog.clear()
    train(complete)
    assert "damaged" not in caplog.text


def test_full_disk_is_told_and_leaves_the_checkpoint_of_before(
    undisturbed, train, config, saved_step, tmp_path, monkeypatch
):
    config = config.replace(checkpoint_minutes=0.0)
    save = tf.train.Checkpoint.write
    saved = []

    def fill(*args, **kwargs):
        if len(saved) == 2:
            raise tf.errors.ResourceExhaustedError(None, None, "No space left")
        saved.append(args)
        return save(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(tf.train.Checkpoint, "write", fill)
        with pytest.raises(OSError, match=r"Could not write .*checkpoints .*No space"):
            train(tmp_path, config)
    assert saved_step(tmp_path) == 2
    assert_same(undisturbed.weights, train(tmp_path, config).get_weights())
