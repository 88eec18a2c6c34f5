"""Trains on two devices at once."""

import subprocess
import sys

# Logical devices must be set up before TensorFlow starts: a process of its own.
_TWO_DEVICES = """
import sys
import numpy as np
import tensorflow as tf
from deepresolve.config import Config
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.training.data import TrainingData, ValidationScan
from deepresolve.training.fit import fit
from deepresolve.workdir import Workdir

cpu = tf.config.list_physical_devices("CPU")[0]
half = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(cpu, [half, half])
array = np.random.default_rng(0).random((16, 16, 16), np.float32)
volume = {"image": array, "intensity": np.float32([0, 1])}
scan = ValidationScan("knee", Volume(array, np.eye(4)), IntensityScale(0, 1))
data = TrainingData(
    volumes=lambda seed: tf.data.Dataset.from_tensors(volume),
    shapes={"knee": array.shape},
    validation=[scan],
    label_names={},
    num_labelled=0,
    records="shards",
    sha256="abc",
)
config = Config(
    num_layers=2,
    num_features=2,
    patch_shape=(8, 8, 8),
    batch_size=4,
    steps_per_epoch=2,
    num_epochs=1,
    schedule="cosine",
    min_tissue=0.0,
    distribution="mirrored",
)
workdir = Workdir(sys.argv[1])
for num_epochs in (1, 2):  # the second run resumes
    config = config.replace(num_epochs=num_epochs)
    fit(config, data, workdir, {"psnr": lambda *pair, **options: 1.0}, verbose=0)
print([entry["replicas"] for entry in workdir.load_provenance()])
print(workdir.has_model("best"))
"""


def test_two_devices_train_one_network(tmp_path):
    command = [sys.executable, "-c", _TWO_DEVICES, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-2:] == ["[2, 2]", "True"]
