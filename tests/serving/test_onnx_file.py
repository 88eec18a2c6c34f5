"""ONNX Runtime's answer against Keras's."""

import sys

import numpy as np
import onnxruntime
import pytest

from deepresolve import networks, presets
from deepresolve.runs.workdir import Workdir
from deepresolve.serving import onnx_file
from deepresolve.serving.onnx_file import export_onnx
from deepresolve.tasks.trained_run import TrainedRun


def trained(folder, preset, **changes):
    """A run whose weights keep the size of what they take."""
    config = presets.get(preset).replace(**changes)
    run = Workdir(folder)
    run.start(config)
    model = networks.build_model(config)
    rng = np.random.default_rng(0)
    model.set_weights(
        [
            rng.normal(0, np.sqrt(2 / np.prod(w.shape[:-1])), w.shape)
            if w.ndim > 1
            else w
            for w in model.get_weights()
        ]
    )
    run.save_model(model, "best")
    return run, model


VOLUME, VIEWS = ("volume", (1, 13, 21, 10, 1)), ("views", (1, 14, 9, 4))


@pytest.mark.parametrize(
    ("preset", "changes", "image"),
    [
        ("sr_cnn_small", {"num_layers": 3}, VOLUME),
        ("sr_views", {"num_layers": 3, "num_features": 4}, VIEWS),
        ("seg_cnn_small", {"num_levels": 3, "num_features": 4}, VOLUME),
        ("segnet_2d_small", {"num_levels": 2, "num_features": 4}, VOLUME),
        ("unet_2d_small", {"num_levels": 3, "num_features": 4}, VOLUME),
    ],
)
def test_any_size_gives_what_keras_does(tmp_path, preset, changes, image):
    run, model = trained(tmp_path / "run", preset, **changes)
    path = str(tmp_path / "network.onnx")
    assert export_onnx(TrainedRun.open(run.path), path) < 1e-4
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name, shape = image
    values = np.random.default_rng(1).random(shape, np.float32)
    (actual,) = session.run(None, {name: values})
    expected = np.asarray(model(values, training=False))
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(
        actual, expected, rtol=0, atol=1e-4 * np.abs(expected).max()
    )


def test_another_output_is_not_written(silent_workdir, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "_largest_difference", lambda *_: float("nan"))
    with pytest.raises(ValueError, match=r"differs by nan.*Nothing was written"):
        export_onnx(
            TrainedRun.open(silent_workdir.path), str(tmp_path / "network.onnx")
        )
    assert not list(tmp_path.iterdir())


def test_without_the_extra_its_name_is_told(silent_workdir, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(ValueError, match=r"pip install '\.\[onnx\]'"):
        export_onnx(
            TrainedRun.open(silent_workdir.path), str(tmp_path / "network.onnx")
        )
