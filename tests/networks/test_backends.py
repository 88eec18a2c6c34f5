"""Keras on JAX and PyTorch: the same networks and losses, without TensorFlow.

The oracle is this process, which computes with TensorFlow.
"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

from deepresolve import networks, presets
from deepresolve.config.tasks import part, settings
from deepresolve.system.keras_stack import KERAS_3

ROOT = pathlib.Path(__file__).parents[2]
NEEDS_TENSORFLOW = {"segnet_2d"}  # its unpooling

if not KERAS_3:
    pytest.skip("Keras 2.15 has TensorFlow alone", allow_module_level=True)


def outputs():
    """By network, what a small one makes of a volume.

    Its weights depend on nothing but their shapes.
    """
    found = {}
    for task in ("segmentation", "super_resolution"):
        sizes = {"num_layers": 3} if task == "super_resolution" else {"num_levels": 2}
        for name in sorted(part(task, "models").MODELS.keys() - NEEDS_TENSORFLOW):
            config = settings(task)(model=name, num_features=4, **sizes)
            model = networks.build_model(config)
            rng = np.random.default_rng(0)
            model.set_weights([rng.uniform(0.1, 0.3, w.shape) for w in model.weights])
            image = rng.random((2, 7, 6, 5, 1)).astype(np.float32)
            found[name] = keras.ops.convert_to_numpy(model(image)).ravel().tolist()
    return found


def losses():
    """By name, what a loss says of the same estimates."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (2, 7, 6, 5, 1)).astype(np.uint8)
    estimates = {
        "super_resolution": rng.random(truth.shape).astype(np.float32),
        "segmentation": rng.dirichlet((1, 1, 1), truth.shape[:4]).astype(np.float32),
    }
    return {
        name: float(networks.build_loss(settings(task)(loss=name))(truth, estimate))
        for task, estimate in estimates.items()
        for name in part(task, "models").LOSSES
    }


WITHOUT_TENSORFLOW = """
import importlib.util, json, sys
sys.modules["tensorflow"] = None  # whoever imports it gets an ImportError
sys.path.insert(0, {root!r})
spec = importlib.util.spec_from_file_location("here", {path!r})
here = importlib.util.module_from_spec(spec)
spec.loader.exec_module(here)
try:
    here.networks.build_model(here.presets.get("segnet_2d_small"))
    refusal = ""
except ValueError as error:
    refusal = str(error)
here.keras.backend.clear_session()
from deepresolve.training.optimizers import build_optimizer
optimizer = type(build_optimizer(here.presets.get("sr_cnn"))).__name__
print(json.dumps([here.outputs(), here.losses(), refusal, optimizer]))
"""


@pytest.fixture(scope="module", params=["jax", "torch"])
def elsewhere(request):
    """What another backend answers."""
    if not importlib.util.find_spec(request.param):
        pytest.skip(f"needs {request.param}")
    script = WITHOUT_TENSORFLOW.format(root=str(ROOT), path=__file__)
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "KERAS_BACKEND": request.param, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return request.param, json.loads(done.stdout.splitlines()[-1])


def test_networks_give_the_same(elsewhere):
    _, (found, _, _, _) = elsewhere
    expected = outputs()
    assert found.keys() == expected.keys()
    for name, output in expected.items():
        np.testing.assert_allclose(found[name], output, rtol=1e-4, err_msg=name)


def test_losses_give_the_same(elsewhere):
    _, (_, found, _, _) = elsewhere
    assert found == pytest.approx(losses(), rel=1e-5)


def test_what_needs_tensorflow_says_so(elsewhere):
    backend, (_, _, refusal, _) = elsewhere
    assert f"needs TensorFlow, and Keras runs on {backend} here" in refusal
    assert "Set KERAS_BACKEND=tensorflow" in refusal


def test_the_published_optimizer_is_there(elsewhere):
    _, (_, _, _, optimizer) = elsewhere
    assert optimizer.lower() == presets.get("sr_cnn").optimizer
