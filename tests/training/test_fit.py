"""Really trains, for a few steps, on tiny volumes."""

import numpy as np
import pytest
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.pipeline.tasks import TASKS
from deepresolve.training import callbacks
from deepresolve.training.fit import TrainingData, fit
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
def data(smooth_array):
    # Sharp edges: what interpolation blurs and a network can learn to mend.
    arrays = [(smooth_array > level).astype(np.float32) for level in (0.4, 0.6)]

    def generate():
        for array in arrays:
            yield {"image": array, "intensity": np.array([0, 1], np.float32)}

    signature = {
        "image": tf.TensorSpec((None, None, None)),
        "intensity": tf.TensorSpec((2,)),
    }
    return TrainingData(
        volumes=lambda seed: tf.data.Dataset.from_generator(
            generate, output_signature=signature
        ),
        shapes={f"knee-{n}": array.shape for n, array in enumerate(arrays)},
        validation=[(Volume(smooth_array, np.eye(4)), IntensityScale(0, 1))],
        records="shards",
        sha256="abc",
    )


def train(data, path, config=CONFIG):
    return fit(config, data, Workdir(path), {"psnr": psnr}, verbose=0)


class Killed(BaseException):
    """Stands for SIGKILL: nothing catches it, nothing cleans up."""


@pytest.mark.parametrize("kill_at", [2, 4, 7])
def test_killed_run_ends_with_the_weights_of_an_undisturbed_one(
    data, tmp_path, monkeypatch, caplog, kill_at
):
    config = CONFIG.replace(checkpoint_minutes=0.0)  # after every step
    undisturbed = train(data, tmp_path / "a", config).get_weights()
    with monkeypatch.context() as patch:
        original = callbacks.Clock.on_train_batch_end

        def kill(clock, batch, logs=None):
            original(clock, batch, logs)
            if int(clock._progress.step) == kill_at:
                raise Killed

        patch.setattr(callbacks.Clock, "on_train_batch_end", kill)
        with pytest.raises(Killed):
            train(data, tmp_path / "b", config)
    with caplog.at_level("INFO", "deepresolve"):
        resumed = train(data, tmp_path / "b", config).get_weights()
    assert f"Resuming {tmp_path / 'b'} at step {kill_at - 1} " in caplog.text
    for a, b in zip(undisturbed, resumed, strict=True):
        np.testing.assert_array_equal(a, b)


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
    tags = {
        value.tag
        for file in (tmp_path / "tensorboard").rglob("*tfevents*")
        for event in tf.compat.v1.train.summary_iterator(str(file))
        for value in event.summary.value
    }
    assert {
        "epoch_loss",
        "epoch_psnr",
        "epoch_learning_rate",
        "epoch_patches_per_second",
    } <= tags
    assert any(tag.startswith("ground_truth_sr_tci/") for tag in tags)


def test_training_lowers_the_loss(data, tmp_path):
    config = CONFIG.replace(
        num_epochs=30, learning_rate=1e-2, num_features=8, validation_volumes=0
    )
    model = train(data, tmp_path, config)
    volume = next(iter(data.volumes((0, 0))))["image"].numpy()
    inputs, target = TASKS["super_resolution"](
        {"image": tf.constant(volume), "intensity": tf.constant([0.0, 1.0])}, config
    )
    before = np.mean((inputs[0] - target) ** 2)
    after = np.mean((model(inputs).numpy()[0] - target) ** 2)
    assert after < 0.9 * before


def test_time_limit_ends_the_run(data, tmp_path):
    config = CONFIG.replace(num_epochs=1000, max_minutes=1e-4)
    train(data, tmp_path, config)
    latest = tf.train.latest_checkpoint(str(tmp_path / "checkpoints"))
    assert int(latest.rsplit("-", 1)[1]) < 50


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
