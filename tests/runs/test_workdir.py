import json
import shutil
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from deepresolve.runs.workdir import Workdir
from deepresolve.system import storage
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig


@pytest.fixture
def workdir(tmp_path):
    return Workdir(tmp_path / "run")


def small_model():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])


def test_config_comes_back(workdir):
    config = SuperResolutionConfig(num_layers=7)
    workdir.start(config)
    assert workdir.load_config() == config


def test_same_config_may_start_again_and_another_may_not(workdir):
    workdir.start(SuperResolutionConfig(learning_rate=1e-4))
    workdir.start(SuperResolutionConfig(learning_rate=1e-4))
    with pytest.raises(ValueError, match=r"learning_rate: 0\.0001 there, 0\.001 asked"):
        workdir.start(SuperResolutionConfig(learning_rate=1e-3))


def test_a_new_start_removes_what_a_killed_process_left(workdir):
    workdir.start(SuperResolutionConfig())
    interrupted = storage.replacing(workdir.join("best.keras"))
    storage.write(interrupted.__enter__(), b"half")
    workdir.start(SuperResolutionConfig())
    assert storage.list_files(workdir.path) == ["config.json"]


def test_run_of_an_older_version_that_lacks_a_field_goes_on(workdir):
    workdir.start(SuperResolutionConfig())
    values = json.loads(SuperResolutionConfig().to_json())
    del values["deterministic"]
    storage.write(workdir.join("config.json"), json.dumps(values).encode())
    workdir.start(SuperResolutionConfig())
    with pytest.raises(ValueError, match="deterministic: False there, True asked"):
        workdir.start(SuperResolutionConfig(deterministic=True))


@pytest.mark.parametrize("left", ["best.keras", "checkpoints/ckpt-1.index"])
def test_a_run_that_lost_its_config_is_not_taken_over(workdir, left):
    storage.make_folder(workdir.checkpoints)
    storage.write(workdir.join(left), b"a run's")
    with pytest.raises(ValueError, match=r"a run without its config\.json"):
        workdir.start(SuperResolutionConfig())
    assert not workdir.has_model("last")
    assert not tf.io.gfile.exists(workdir.join("config.json"))


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe{"])
def test_damaged_config_is_named(workdir, content):
    workdir.start(SuperResolutionConfig())
    storage.write(workdir.join("config.json"), content)
    with pytest.raises(ValueError, match=r"config\.json is damaged: .* from a copy"):
        workdir.load_config()
    storage.write(workdir.join("provenance.json"), content)
    with pytest.raises(ValueError, match=r"provenance\.json is damaged: .* delete it"):
        workdir.load_provenance()


def test_a_config_of_endless_nesting_is_named(workdir):
    workdir.start(SuperResolutionConfig())
    storage.write(workdir.join("config.json"), b"[" * 100_000)
    with pytest.raises(ValueError, match=r"config\.json"):
        workdir.load_config()


def test_weights_that_are_no_numbers_are_refused(workdir):
    model = small_model()
    model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
    workdir.start(SuperResolutionConfig())
    workdir.save_model(model, "best")
    with pytest.raises(
        ValueError, match=r"best\.keras: its weights are not all finite"
    ):
        workdir.load_model("best")


def test_damaged_weights_and_provenance_are_named(workdir):
    workdir.start(SuperResolutionConfig())
    for name in ("best.keras", "provenance.json"):
        storage.write(workdir.join(name), b"PK{")
    with pytest.raises(ValueError, match=r"run/best\.keras is damaged"):
        workdir.load_model("best")
    with pytest.raises(ValueError, match=r"run/provenance\.json is damaged"):
        workdir.load_provenance()


def test_provenance_keeps_every_start(workdir):
    workdir.start(SuperResolutionConfig())
    workdir.add_provenance({"seed": 1})
    workdir.add_provenance({"seed": 2})
    with tf.io.gfile.GFile(workdir.join("provenance.json")) as file:
        assert json.load(file) == [{"seed": 1}, {"seed": 2}]


def test_model_comes_back_and_nothing_partial_stays(workdir):
    model = small_model()
    workdir.start(SuperResolutionConfig())
    workdir.save_model(model, "best")
    x = np.ones((1, 2), np.float32)
    np.testing.assert_array_equal(workdir.load_model("best")(x), model(x))
    assert sorted(tf.io.gfile.listdir(workdir.path)) == ["best.keras", "config.json"]


def full_disk(*args, **kwargs):
    raise tf.errors.ResourceExhaustedError(None, None, "No space left on device")


@pytest.mark.parametrize("operation", ["rename", "copy"])
def test_full_disk_is_an_os_error_and_leaves_the_old_files(
    workdir, monkeypatch, operation
):
    workdir.start(SuperResolutionConfig())
    storage.write(workdir.join("note"), b"old")
    workdir.save_model(small_model(), "best")
    before = sorted(tf.io.gfile.listdir(workdir.path))
    with monkeypatch.context() as patch:
        patch.setattr(tf.io.gfile, operation, full_disk)
        with pytest.raises(OSError, match=r"Could not write .*best\.keras .*No space"):
            workdir.save_model(small_model(), "best")
        if operation == "copy":  # into the temporary folder
            with pytest.raises(
                OSError, match=r"Could not copy .*best\.keras to .*No sp"
            ):
                workdir.load_model("best")
        if operation == "rename":
            with pytest.raises(OSError, match=r"Could not write .*note .*No space"):
                storage.write(workdir.join("note"), b"new")
    assert sorted(tf.io.gfile.listdir(workdir.path)) == before
    with tf.io.gfile.GFile(workdir.join("note")) as file:
        assert file.read() == "old"
    workdir.load_model("best")


def test_longer_run_is_the_same_run_and_is_told(workdir, caplog):
    workdir.start(SuperResolutionConfig(num_epochs=2))
    longer = SuperResolutionConfig(
        num_epochs=5, max_minutes=30.0, checkpoint_minutes=1.0
    )
    with caplog.at_level("INFO", "deepresolve"):
        workdir.start(longer)
    assert workdir.load_config() == longer
    assert "num_epochs: 2 there, 5 asked" in caplog.text
    with pytest.raises(ValueError, match="validation_volumes: 2 there, 3 asked"):
        workdir.start(longer.replace(validation_volumes=3))
    assert workdir.load_config() == longer


def test_has_model_tells_what_is_there(workdir):
    workdir.start(SuperResolutionConfig())
    workdir.save_model(small_model(), "last")
    assert workdir.has_model("last")
    assert not workdir.has_model("best")


def test_weights_in_hdf5_are_not_even_opened(workdir, tmp_path):
    workdir.start(SuperResolutionConfig())
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # HDF5 is legacy.
        model.save(tmp_path / "model.h5")
    shutil.copy(tmp_path / "model.h5", workdir.join("best.keras"))
    with pytest.raises(ValueError, match=r"best\.keras is damaged, or no \.keras file"):
        workdir.load_model("best")


def test_a_layer_with_code_of_its_own_is_refused(workdir):
    workdir.start(SuperResolutionConfig())
    inputs = keras.Input((1,))
    program = keras.layers.Lambda(lambda x: x, output_shape=(1,))
    keras.Model(inputs, program(inputs)).save(workdir.join("best.keras"))
    with pytest.raises(ValueError, match=r"(?s)best\.keras cannot be read.*[Ll]ambda"):
        workdir.load_model("best")
