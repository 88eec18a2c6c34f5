import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.workdir import Workdir, write_text


@pytest.fixture
def workdir(tmp_path):
    return Workdir(tmp_path / "run")


def small_model():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])


def test_config_comes_back(workdir):
    config = Config(num_layers=7)
    workdir.start(config)
    assert workdir.load_config() == config


def test_same_config_may_start_again_and_another_may_not(workdir):
    workdir.start(Config(learning_rate=1e-4))
    workdir.start(Config(learning_rate=1e-4))
    with pytest.raises(ValueError, match=r"learning_rate: 0\.0001 there, 0\.001 asked"):
        workdir.start(Config(learning_rate=1e-3))


def test_damaged_config_is_named(workdir):
    workdir.start(Config())
    write_text(workdir.join("config.json"), "{")
    with pytest.raises(ValueError, match=r"config\.json"):
        workdir.load_config()


def test_provenance_keeps_every_start(workdir):
    workdir.start(Config())
    workdir.add_provenance({"seed": 1})
    workdir.add_provenance({"seed": 2})
    with tf.io.gfile.GFile(workdir.join("provenance.json")) as file:
        assert json.load(file) == [{"seed": 1}, {"seed": 2}]


def test_model_comes_back_and_nothing_partial_stays(workdir):
    model = small_model()
    workdir.start(Config())
    workdir.save_model(model, "best")
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(workdir.load_model("best")(x), model(x))
    assert sorted(tf.io.gfile.listdir(workdir.path)) == ["best.keras", "config.json"]


def test_failed_write_leaves_the_old_file(workdir, monkeypatch):
    workdir.start(Config())
    write_text(workdir.join("note"), "old")

    def full_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tf.io.gfile, "rename", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_text(workdir.join("note"), "new")
    with tf.io.gfile.GFile(workdir.join("note")) as file:
        assert file.read() == "old"
