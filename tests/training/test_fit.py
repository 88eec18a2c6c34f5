"""Really trains, for a few steps, on tiny volumes."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.imaging import acquisition
from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.volume import Volume
from deepresolve.runs import training_set
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.super_resolution.task import TASK
from deepresolve.training.callbacks import schedule
from deepresolve.training.fit import fit


def test_workdir_holds_what_its_docstring_lists(undisturbed, files_of_a_run):
    assert sorted(p.name for p in undisturbed.path.iterdir()) == files_of_a_run
    provenance = (undisturbed.path / "provenance.json").read_text()
    assert '"records_sha256": "abc"' in provenance
    assert tf.__version__ in provenance


def test_predictions_can_tell_what_it_was_trained_on(undisturbed, config, edges):
    recorded = training_set.load(Workdir(undisturbed.path))
    scans = [thicken(scan, 3) for scan in edges.scans]
    assert recorded.inputs(3) == tuple(acquisition.describe(scan) for scan in scans)
    assert (recorded.num_scans, recorded.records_sha256) == (2, "abc")


def test_a_complete_run_of_an_older_version_gets_its_training_set(
    undisturbed, train, tmp_path
):
    shutil.copytree(undisturbed.path, tmp_path / "run")
    file = tmp_path / "run" / training_set.FILE
    expected = file.read_bytes()
    file.unlink()
    train(tmp_path / "run")
    assert file.read_bytes() == expected


def test_curves_have_what_a_watcher_needs(undisturbed, scalars):
    shown = scalars(undisturbed.path)
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
    # 4 patches of 12^3 voxels; a step is 3 forward passes of 432 FLOP a voxel.
    for epoch, steps_per_second in shown["epoch_steps_per_second"].items():
        gflop = steps_per_second * 4 * 12**3 * 3 * 432 / 1e9
        assert shown["epoch_gflop_per_second"][epoch] == pytest.approx(gflop, rel=1e-5)
        assert 0 < shown["epoch_data_wait_percent"][epoch] < 100


def test_training_lowers_the_loss(train, config, edges, tmp_path):
    config = config.replace(
        num_epochs=2,
        steps_per_epoch=120,
        learning_rate=1e-2,
        num_features=8,
        validation_volumes=0,
    )
    model = train(tmp_path, config)
    array = next(iter(edges.volumes((0, 0))))["image"].numpy()
    tci = interpolate(thicken(Volume(array, np.eye(4)), 3), 3).array
    target = array[..., : tci.shape[2]]
    enhanced = model(tci[np.newaxis, ..., np.newaxis])[0, ..., 0].numpy()
    assert np.mean((enhanced - target) ** 2) < 0.9 * np.mean((tci - target) ** 2)


def test_time_limit_ends_the_run(train, config, saved_step, tmp_path):
    config = config.replace(num_epochs=1000, max_minutes=1e-4)
    train(tmp_path, config)
    assert saved_step(tmp_path) < 50


def test_volume_smaller_than_a_patch_is_named(train, config, tmp_path):
    config = config.replace(patch_shape=(12, 12, 48))
    with pytest.raises(ValueError, match=r"knee-0 has .* too few for a patch"):
        train(tmp_path / "run", config)
    assert not (tmp_path / "run").exists()


def test_all_air_is_refused(train, config, tmp_path):
    config = config.replace(min_tissue=0.05, air_threshold=5.0)
    with pytest.raises(ValueError, match="all would be skipped as air"):
        train(tmp_path / "run", config)


def test_diverged_run_says_so_and_keeps_a_finite_checkpoint(train, config, tmp_path):
    config = config.replace(
        learning_rate=1e30, schedule="constant", optimizer="sgd", checkpoint_minutes=0.0
    )
    with pytest.raises(ValueError, match=r"diverged at step \d+.*--learning_rate"):
        train(tmp_path, config)
    latest = tf.train.latest_checkpoint(str(tmp_path / "checkpoints"))
    if latest:
        reader = tf.train.load_checkpoint(latest)
        names = [n for n in reader.get_variable_to_shape_map() if "model" in n]
        values = [reader.get_tensor(name) for name in names]
        assert all(np.isfinite(v).all() for v in values if v.dtype == np.float32)


def test_step_that_diverges_is_named_and_the_weights_of_before_stay(
    train, config, saved_step, tmp_path, monkeypatch
):
    config = config.replace(schedule="constant", checkpoint_minutes=0.0)
    one_epoch = train(tmp_path / "a", config.replace(num_epochs=1)).get_weights()
    rate_at = schedule.learning_rate_at

    def spoil(config, step, share_done):
        return float("nan") if step == 5 else rate_at(config, step, share_done)

    monkeypatch.setattr(schedule, "learning_rate_at", spoil)
    path = tmp_path / "b"
    with pytest.raises(
        ValueError, match=r"diverged at step 6:.*checkpoint is from bef"
    ):
        train(path, config)
    assert saved_step(path) == 5
    for name in ("best", "last"):
        stored = Workdir(path).load_model(name).get_weights()
        for a, b in zip(one_epoch, stored, strict=True):
            np.testing.assert_array_equal(a, b)


def test_thin_validation_scan_is_named_before_anything_is_written(
    config, edges, tmp_path
):
    scan = edges.validation[0]
    thin = scan._replace(image=Volume(scan.image.array[..., :6], np.eye(4)))
    run = tmp_path / "run"
    with pytest.raises(ValueError, match=r"'knee-2': .*7"):
        fit(TASK, config, edges._replace(validation=[thin]), Workdir(run))
    assert not run.exists()


def test_log_tells_the_size_of_the_network_and_what_is_to_be_surpassed(undisturbed):
    log = undisturbed.log
    assert "To surpass on the validation blocks: TCI psnr " in log
    # 27 weights for each pair of features in and out: 1 -> 4 -> 1, and biases.
    assert "sr_cnn: 221 parameters that learn, 432 FLOP per voxel of a patch." in log
    assert "Trained 12 steps in " in log


def test_model_of_the_other_task_is_refused_before_anything_is_written(
    train, config, tmp_path
):
    run = tmp_path / "run"
    with pytest.raises(ValueError, match="'seg_cnn' is for task=segmentation"):
        train(run, config.replace(model="seg_cnn"))
    assert not run.exists()


def test_no_training_volumes_are_refused(train, edges, tmp_path):
    with pytest.raises(ValueError, match="shards has no training volumes"):
        train(tmp_path / "run", data=edges._replace(shapes={}))
    assert not (tmp_path / "run").exists()
