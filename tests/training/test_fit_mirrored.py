"""Trains on two devices at once, which must be the same as on one."""

import json

import numpy as np
import pytest

# Logical devices must be set up before TensorFlow starts: a process of its own, and one
# for all, since that is most of the time.
_TWO_DEVICES = """
import json
import sys

import keras
import numpy as np
import tensorflow as tf

from deepresolve import tasks
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.training import callbacks
from deepresolve.training import fit as fitting
from deepresolve.training.data import TrainingData, ValidationScan
from deepresolve.runs.workdir import Workdir

cpu = tf.config.list_physical_devices("CPU")[0]
half = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(cpu, [half, half])
array = np.random.default_rng(0).random((16, 16, 16), np.float32)
volume = {
    "image": array,
    "label": (array > 0.7).astype(np.uint8),
    "intensity": np.float32([0, 1]),
    "affine": np.eye(4),
    "subject": "knee",
}
scan = Volume(array, np.eye(4))
data = TrainingData(
    volumes=lambda seed: tf.data.Dataset.from_tensors(volume),
    shapes={"knee": array.shape},
    validation=[ValidationScan("knee", scan, IntensityScale(0, 1), scan)],
    label_names={1: "femoral cartilage"},
    num_labelled=1,
    records="shards",
    sha256="abc",
)
SHORT = dict(
    patch_shape=(8, 8, 8),
    patch_sampling="random",
    patches_per_volume=16,
    min_tissue=0.0,
    steps_per_epoch=1,
    num_epochs=20,
    validation_volumes=0,
)
# Where clipping starts is well below the norms of these gradients.
SUPER_RESOLUTION = SuperResolutionConfig(
    num_layers=3, num_features=4, learning_rate=1e-3, clip_norm=0.01, **SHORT
)
SEGMENTATION = SegmentationConfig(
    model="seg_cnn",
    num_levels=2,
    num_features=4,
    dropout=0.0,  # each device draws its own
    loss="dice",
    learning_rate=1e-3,
    clip_norm=0.05,
    **SHORT,
)


class Curve(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.losses = []

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(float(logs["loss"]))


def resumed(path):
    config = SUPER_RESOLUTION.replace(
        batch_size=4,
        steps_per_epoch=2,
        num_epochs=1,
        schedule="cosine",
        validation_volumes=1,
        distribution="mirrored",
    )
    workdir = Workdir(path)
    for num_epochs in (1, 2):
        fitting.fit(
            tasks.find(config.task),
            config.replace(num_epochs=num_epochs),
            data,
            workdir,
            verbose=0,
        )
    replicas = [entry["replicas"] for entry in workdir.load_provenance()]
    return {"replicas": replicas, "best": workdir.has_model("best")}


def losses(config, path):
    curve = Curve()
    keras.callbacks.TensorBoard = lambda *args, **kwargs: curve
    fitting.fit(tasks.find(config.task), config, data, Workdir(path), verbose=0)
    return curve.losses


found = {"resumed": resumed(sys.argv[1] + "/resumed")}
callbacks.Checkpoint._save = lambda self: None  # nothing is resumed any more
Workdir.save_model = lambda *model_and_name: None
for name, config in [
    ("super_resolution_uneven", SUPER_RESOLUTION.replace(batch_size=5)),
    ("segmentation_uneven", SEGMENTATION.replace(batch_size=3)),
]:
    found[name] = [
        losses(config.replace(distribution=where), f"{sys.argv[1]}/{name}_{where}")
        for where in ("single", "mirrored")
    ]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def found(run_script, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs")
    script = path / "two_devices.py"
    script.write_text(_TWO_DEVICES, encoding="utf-8")
    result = run_script(script, path)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout.splitlines()[-1])


def test_run_on_two_devices_is_resumed(found):
    assert found["resumed"] == {"replicas": [2, 2], "best": True}


@pytest.mark.parametrize("name", ["super_resolution_uneven", "segmentation_uneven"])
def test_two_devices_follow_the_loss_of_one(found, name):
    one, two = np.array(found[name])
    assert len(one) == 20
    np.testing.assert_allclose(two, one, rtol=1e-4)
    # Losses of a network that learns nothing would follow each other, too.
    assert np.ptp(one) > 0.01 * one[0]
