import subprocess
import sys

import pytest

from deepresolve.config import Config
from deepresolve.training import devices


@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16", "mixed_float16"])
def test_named_precision_is_taken(precision):
    assert devices.resolve_precision(Config(precision=precision)) == precision


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("flags : fpu avx512f avx512_bf16 sse2", "mixed_bfloat16"),
        ("flags : fpu amx_bf16 amx_tile", "mixed_bfloat16"),
        ("flags : fpu avx2 sse2", "float32"),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_has_it(
    monkeypatch, tmp_path, flags, expected
):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text(flags)
    monkeypatch.setattr(devices, "CPUINFO", cpuinfo)
    assert devices.resolve_precision(Config(precision="auto")) == expected


def test_auto_is_float32_on_systems_that_do_not_say(monkeypatch, tmp_path):
    monkeypatch.setattr(devices, "CPUINFO", tmp_path / "missing")
    assert devices.resolve_precision(Config(precision="auto")) == "float32"


# Logical devices must be set up before TensorFlow starts: a process of its own.
_TWO_DEVICES = """
import tensorflow as tf
from deepresolve.config import Config
from deepresolve.training.devices import build_strategy
cpu = tf.config.list_physical_devices("CPU")[0]
half = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(cpu, [half, half])
print(build_strategy(Config(distribution="single")).num_replicas_in_sync)
print(type(build_strategy(Config(distribution="mirrored"))).__name__)
print(type(build_strategy(Config(distribution="auto"))).__name__)
try:
    build_strategy(Config(distribution="mirrored", batch_size=1))
except ValueError as error:
    print(error)
"""


def test_strategies():
    result = subprocess.run(
        [sys.executable, "-c", _TWO_DEVICES], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    single, mirrored, automatic, refused = result.stdout.splitlines()
    assert single == "1"
    assert mirrored == "MirroredStrategy"
    assert automatic == "_DefaultDistributionStrategy"  # no GPU here
    assert refused.startswith("batch_size=1 leaves some of the 2 devices without")
