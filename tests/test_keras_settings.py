"""Networks are what they are whatever Keras is set to; as in a notebook."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
_SCRIPT = """
import json
import keras, numpy as np
from deepresolve import networks, presets

found = {"floatx": keras.backend.floatx()}
for name in ("sr_cnn", "seg_cnn", "segnet_2d", "unet_2d"):
    config = presets.get(name).replace(num_features=2)
    model = networks.build_model(config)
    types = {layer.compute_dtype for layer in model.layers}
    shape = model(np.zeros((1, 32, 32, 16, 1), np.float32)).shape
    found[name] = [sorted(types), list(shape)]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def networks_there(tmp_path_factory):
    """What networks are in a process whose keras.json is of other work."""
    home = tmp_path_factory.mktemp("keras")
    settings = {"image_data_format": "channels_first", "floatx": "float16"}
    (home / "keras.json").write_text(json.dumps(settings))
    environment = {**os.environ, "KERAS_HOME": str(home), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        env=environment,
        capture_output=True,
        text=True,
    )


def test_they_keep_their_axes_and_types(networks_there):
    assert networks_there.returncode == 0, networks_there.stderr
    found = json.loads(networks_there.stdout)
    assert found.pop("floatx") == "float32"
    for types, shape in found.values():
        assert (types, shape[:4]) == (["float32"], [1, 32, 32, 16])


def test_what_was_changed_is_told(networks_there):
    assert "Keras is set to floatx=float16" in networks_there.stderr
