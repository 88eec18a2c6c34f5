"""Really trains, for a few steps, on tiny volumes."""

import collections
import contextlib
import itertools
import signal

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.interruption import Interrupted
from deepresolve.keras_stack import loss_scale
from deepresolve.training import callbacks
from deepresolve.training.callbacks import schedule
from deepresolve.training.data import TrainingData, ValidationScan
from deepresolve.training.fit import fit
from deepresolve.workdir import Workdir

CONFIG = Config(
    num_layers=3,
    num_features=4,
    patch_shape=(12, 12, 12),
    patch_sampling="random",
    patches_per_volume=8,
    batch_size=4,
    steps_per_epoch=4,
    num_epochs=3,
    learning_rate=1e-3,
    schedule="cosine",
    validation_volumes=1,
)


def psnr(reference, estimate, *, spacing_mm, data_range):
    return float(-10 * np.log10(np.mean((reference - estimate) ** 2)))


@pytest.fixture
def data(smooth_array, volume_source):
    # Sharp edges: what interpolation blurs and a network can learn to mend.
    arrays = [(smooth_array > level).astype(np.float32) for level in (0.4, 0.6)]

    scan = Volume(smooth_array, np.eye(4))
    return TrainingData(
        volumes=volume_source(arrays),
        shapes={f"knee-{n}": array.shape for n, array in enumerate(arrays)},
        validation=[ValidationScan("knee-2", scan, IntensityScale(0, 1))],
        label_names={},
        num_labelled=0,
        records="shards",
        sha256="abc",
    )


def train(data, path, config=CONFIG):
    return fit(config, data, Workdir(path), {"psnr": psnr}, verbose=0)


def saved_step(path):
    latest = tf.train.latest_checkpoint(str(path / "checkpoints"))
    name = "progress/step/.ATTRIBUTES/VARIABLE_VALUE"
    return int(tf.train.load_checkpoint(latest).get_tensor(name))


def scalars(path):
    """Value by tag and epoch of what TensorBoard shows; None of an image."""
    shown = collections.defaultdict(dict)
    for file in (path / "tensorboard").rglob("*tfevents*"):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                array = tf.make_ndarray(value.tensor)
                number = None if array.shape else float(array)
                shown[value.tag][event.step] = number
    return shown


def test_killed_run_ends_with_the_weights_of_an_undisturbed_one(
    data, tmp_path, killed, caplog
):
    config = CONFIG.replace(checkpoint_minutes=0.0)  # after every step
    undisturbed = train(data, tmp_path / "undisturbed", config).get_weights()
    for kill_at in (2, 4, 7):
        path = tmp_path / str(kill_at)
        with killed(kill_at):
            train(data, path, config)
        with caplog.at_level("INFO", "deepresolve"):
            resumed = train(data, path, config).get_weights()
        assert f"Resuming {path} at step {kill_at - 1} " in caplog.text
        for a, b in zip(undisturbed, resumed, strict=True):
            np.testing.assert_array_equal(a, b)


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


@pytest.mark.parametrize(
    ("callback", "method", "call", "step"),
    [
        ("Clock", "on_train_batch_end", 6, 6),  # within the second epoch of 4 steps
        ("Clock", "on_train_batch_end", 8, 8),  # its last step
        ("Clock", "on_train_batch_end", 12, 12),  # the last step of the run
        ("VolumeValidation", "on_epoch_end", 2, 8),
        ("Checkpoint", "on_epoch_end", 2, 9),  # too late: the next step's end will do
    ],
)
def test_signal_saves_the_step_and_loses_nothing(
    data, tmp_path, interrupted, caplog, callback, method, call, step
):
    undisturbed = train(data, tmp_path / "a").get_weights()
    path = tmp_path / "b"
    with caplog.at_level("INFO", "deepresolve"):
        with interrupted(getattr(callbacks, callback), method, call):
            train(data, path)
        assert saved_step(path) == step
        assert f"SIGTERM: step {step} is saved in {path}. The same" in caplog.text
        train(data, path)
    for name in ("best", "last"):
        stored = [Workdir(p).load_model(name) for p in (tmp_path / "a", path)]
        weights = [model.get_weights() for model in stored]
        for a, b in zip(*weights, strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(undisturbed, weights[1], strict=True):
        np.testing.assert_array_equal(a, b)
    # Every epoch has been validated, in one of the two processes.
    scores = [scalars(p)["epoch_psnr"] for p in (tmp_path / "a", path)]
    assert scores[0] == scores[1]


def test_signal_in_a_validation_that_was_made_up_for(data, tmp_path, interrupted):
    config = CONFIG.replace(num_epochs=1)
    for _ in range(2):
        with interrupted(callbacks.VolumeValidation, "on_epoch_end", 1):
            train(data, tmp_path, config)
        assert saved_step(tmp_path) == 4
        assert not (tmp_path / "best.keras").exists()
    train(data, tmp_path, config)
    assert (tmp_path / "best.keras").exists()


@pytest.mark.parametrize("clip_norm", [0.0, 1.0])
def test_killed_run_in_float16_goes_on_with_its_loss_scale(
    data, tmp_path, killed, clip_norm
):
    config = CONFIG.replace(
        precision="mixed_float16", checkpoint_minutes=0.0, clip_norm=clip_norm
    )
    undisturbed = train(data, tmp_path / "a", config)
    with killed(6):
        train(data, tmp_path / "b", config)
    resumed = train(data, tmp_path / "b", config)
    assert loss_scale(undisturbed.optimizer) == loss_scale(resumed.optimizer)
    pairs = zip(undisturbed.get_weights(), resumed.get_weights(), strict=True)
    for a, b in pairs:
        np.testing.assert_array_equal(a, b)
    assert scalars(tmp_path / "b")["epoch_loss_scale"][2] == 2**15


def test_finished_run_is_not_trained_again(data, tmp_path, caplog):
    first = train(data, tmp_path).get_weights()
    with caplog.at_level("INFO", "deepresolve"):
        again = train(data, tmp_path).get_weights()
    assert "is complete" in caplog.text
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_workdir_holds_what_its_docstring_lists(data, tmp_path):
    train(data, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "best.keras",
        "checkpoints",
        "config.json",
        "last.keras",
        "provenance.json",
        "tensorboard",
    ]
    provenance = (tmp_path / "provenance.json").read_text()
    assert '"records_sha256": "abc"' in provenance
    assert tf.__version__ in provenance


def test_curves_have_what_a_watcher_needs(data, tmp_path):
    train(data, tmp_path)
    shown = scalars(tmp_path)
    assert {
        "epoch_loss",
        "epoch_psnr",
        "epoch_learning_rate",
        "epoch_steps_per_second",
        "epoch_patches_per_second",
        "epoch_gflop_per_second",
        "epoch_data_wait_percent",
    } <= set(shown)
    assert any(tag.startswith("ground_truth_sr_tci/") for tag in shown)
    # 4 patches of 12^3 voxels; a step is 3 forward passes of 1,296 FLOP a voxel.
    for epoch, steps_per_second in shown["epoch_steps_per_second"].items():
        gflop = steps_per_second * 4 * 12**3 * 3 * 1296 / 1e9
        assert shown["epoch_gflop_per_second"][epoch] == pytest.approx(gflop, rel=1e-5)
        assert 0 < shown["epoch_data_wait_percent"][epoch] < 100


def test_training_lowers_the_loss(data, tmp_path):
    config = CONFIG.replace(
        num_epochs=30, learning_rate=1e-2, num_features=8, validation_volumes=0
    )
    model = train(data, tmp_path, config)
    array = next(iter(data.volumes((0, 0))))["image"].numpy()
    tci = interpolate(thicken(Volume(array, np.eye(4)), 3), 3).array
    target = array[..., : tci.shape[2]]
    enhanced = model(tci[np.newaxis, ..., np.newaxis])[0, ..., 0].numpy()
    assert np.mean((enhanced - target) ** 2) < 0.9 * np.mean((tci - target) ** 2)


def test_time_limit_ends_the_run(data, tmp_path):
    config = CONFIG.replace(num_epochs=1000, max_minutes=1e-4)
    train(data, tmp_path, config)
    assert saved_step(tmp_path) < 50


def test_volume_smaller_than_a_patch_is_named(data, tmp_path):
    config = CONFIG.replace(patch_shape=(12, 12, 48))
    with pytest.raises(ValueError, match=r"knee-0 has .* too few for a patch"):
        train(data, tmp_path / "run", config)
    assert not (tmp_path / "run").exists()


def test_all_air_is_refused(data, tmp_path):
    config = CONFIG.replace(air_threshold=5.0)
    with pytest.raises(ValueError, match="all would be skipped as air"):
        train(data, tmp_path / "run", config)


def test_other_records_cannot_go_on_with_a_run(data, tmp_path):
    train(data, tmp_path)
    with pytest.raises(ValueError, match="a run on other records"):
        train(data._replace(sha256="def"), tmp_path)


def test_another_config_cannot_take_over_a_workdir(data, tmp_path):
    Workdir(tmp_path).start(CONFIG)
    with pytest.raises(ValueError, match="seed: 0 there, 1 asked"):
        train(data, tmp_path, CONFIG.replace(seed=1))


def test_longer_run_goes_on_where_the_shorter_one_ended(data, tmp_path):
    train(data, tmp_path)
    train(data, tmp_path, CONFIG.replace(num_epochs=4))
    assert saved_step(tmp_path) == 4 * 4
    assert Workdir(tmp_path).load_config().num_epochs == 4


def test_kill_during_the_last_validation_leaves_a_run_that_is_not_complete(
    data, tmp_path, monkeypatch
):
    config = CONFIG.replace(checkpoint_minutes=0.0, num_epochs=1)

    def kill(*args):
        raise SystemExit  # nothing of ours catches it

    with monkeypatch.context() as patch:
        patch.setattr(callbacks.VolumeValidation, "on_epoch_end", kill)
        with pytest.raises(SystemExit):
            train(data, tmp_path, config)
    assert saved_step(tmp_path) == 3  # of 4
    weights = train(data, tmp_path, config).get_weights()
    for name in ("best", "last"):
        stored = Workdir(tmp_path).load_model(name).get_weights()
        for a, b in zip(weights, stored, strict=True):
            np.testing.assert_array_equal(a, b)


def test_complete_run_gets_its_missing_weights_back_and_no_provenance(data, tmp_path):
    workdir = Workdir(tmp_path)
    weights = train(data, tmp_path).get_weights()
    (tmp_path / "last.keras").unlink()
    train(data, tmp_path)
    assert len(workdir.load_provenance()) == 1
    for a, b in zip(weights, workdir.load_model("last").get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_full_disk_is_told_and_leaves_the_checkpoint_of_before(
    data, tmp_path, monkeypatch
):
    config = CONFIG.replace(checkpoint_minutes=0.0)
    undisturbed = train(data, tmp_path / "a", config).get_weights()
    save = tf.train.CheckpointManager.save
    saved = []

    def fill(*args, **kwargs):
        if len(saved) == 5:
            raise tf.errors.ResourceExhaustedError(None, None, "No space left")
        saved.append(args)
        return save(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(tf.train.CheckpointManager, "save", fill)
        with pytest.raises(OSError, match=r"Could not write .*checkpoints .*No space"):
            train(data, tmp_path / "b", config)
    assert saved_step(tmp_path / "b") == 5
    resumed = train(data, tmp_path / "b", config).get_weights()
    for a, b in zip(undisturbed, resumed, strict=True):
        np.testing.assert_array_equal(a, b)


def test_diverged_run_says_so_and_keeps_a_finite_checkpoint(data, tmp_path):
    config = CONFIG.replace(
        learning_rate=1e30, schedule="constant", optimizer="sgd", checkpoint_minutes=0.0
    )
    with pytest.raises(ValueError, match=r"diverged at step \d+.*--learning_rate"):
        train(data, tmp_path, config)
    latest = tf.train.latest_checkpoint(str(tmp_path / "checkpoints"))
    if latest:
        reader = tf.train.load_checkpoint(latest)
        names = [n for n in reader.get_variable_to_shape_map() if "model" in n]
        values = [reader.get_tensor(name) for name in names]
        assert all(np.isfinite(v).all() for v in values if v.dtype == np.float32)


def test_step_that_diverges_is_named_and_the_weights_of_before_stay(
    data, tmp_path, monkeypatch
):
    config = CONFIG.replace(schedule="constant", checkpoint_minutes=0.0)
    one_epoch = train(data, tmp_path / "a", config.replace(num_epochs=1)).get_weights()
    rate_at = schedule.learning_rate_at

    def spoil(config, step, share_done):
        return float("nan") if step == 5 else rate_at(config, step, share_done)

    monkeypatch.setattr(schedule, "learning_rate_at", spoil)
    path = tmp_path / "b"
    with pytest.raises(
        ValueError, match=r"diverged at step 6:.*checkpoint is from bef"
    ):
        train(data, path, config)
    assert saved_step(path) == 5
    for name in ("best", "last"):
        stored = Workdir(path).load_model(name).get_weights()
        for a, b in zip(one_epoch, stored, strict=True):
            np.testing.assert_array_equal(a, b)


def test_thin_validation_scan_is_named_before_anything_is_written(data, tmp_path):
    def ssim(reference, estimate, *, spacing_mm, data_range):
        if min(reference.shape) < 7:
            raise ValueError("needs at least 7 voxels")
        return 1.0

    scan = data.validation[0]
    thin = scan._replace(image=Volume(scan.image.array[..., :6], np.eye(4)))
    run = tmp_path / "run"
    with pytest.raises(ValueError, match="'knee-2': needs at least 7"):
        fit(CONFIG, data._replace(validation=[thin]), Workdir(run), {"ssim": ssim})
    assert not run.exists()


def test_log_tells_the_size_of_the_network_and_what_is_to_be_surpassed(
    data, tmp_path, caplog
):
    with caplog.at_level("INFO", "deepresolve"):
        train(data, tmp_path)
    assert "TCI on the validation blocks: psnr " in caplog.text
    # 27 weights for each pair of features in and out: 1 -> 4 -> 4 -> 1, and biases.
    assert "sr_cnn: 657 parameters, 1,296 FLOP per voxel of a patch." in caplog.text
    assert "Trained 12 steps in " in caplog.text


def test_model_of_the_other_task_is_refused_before_anything_is_written(data, tmp_path):
    run = tmp_path / "run"
    with pytest.raises(ValueError, match="'seg_cnn' is for task=segmentation"):
        train(data, run, CONFIG.replace(model="seg_cnn"))
    assert not run.exists()


def test_no_training_volumes_are_refused(data, tmp_path):
    with pytest.raises(ValueError, match="shards has no training volumes"):
        train(data._replace(shapes={}), tmp_path / "run")
    assert not (tmp_path / "run").exists()
