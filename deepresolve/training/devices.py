"""Which devices a run uses, and how precisely it computes."""

from __future__ import annotations

import functools
import pathlib

import tensorflow as tf

from deepresolve.config import Config
from deepresolve.training import workers

# NVIDIA's tensor cores multiply bfloat16 from this compute capability on (Ampere).
_BFLOAT16_CAPABILITY = (8, 0)

CPUINFO = pathlib.Path("/proc/cpuinfo")  # Linux; other systems compute in float32


def build_strategy(config: Config) -> tf.distribute.Strategy:
    """The strategy that `config.distribution` names.

    "auto" is MirroredStrategy over as many GPUs as there are and as `batch_size` has a
    patch for; one device where that is one or none. "multi_worker" waits for the other
    workers, and must be asked for before TensorFlow computes anything.

    Raises:
      ValueError: more devices than a batch has patches: some would get none, and
        normalise by the mean of nothing; or what `workers.this_worker` refuses.
      OSError: the workers do not come together.
    """
    if config.distribution == "multi_worker":
        strategy = workers.join(workers.this_worker(config))
    elif config.distribution == "mirrored":
        strategy = _mirrored()
    else:
        return _strategy_of_one_machine(config)
    if config.batch_size < strategy.num_replicas_in_sync:
        raise ValueError(
            f"batch_size={config.batch_size} leaves some of the "
            f"{strategy.num_replicas_in_sync} devices without a patch. Choose a "
            "--batch_size of at least their number, or --distribution=single."
        )
    return strategy


def _strategy_of_one_machine(config: Config) -> tf.distribute.Strategy:
    gpus = [device.name for device in tf.config.list_logical_devices("GPU")]
    if config.distribution == "auto" and min(len(gpus), config.batch_size) > 1:
        return _mirrored(*gpus[: config.batch_size])
    return tf.distribute.get_strategy()


@functools.cache
def _mirrored(*devices: str) -> tf.distribute.Strategy:
    """Over these devices, or all GPUs; the same one for all runs of a process.

    TensorFlow 2.15 takes what a second one sends for what the first one sent.
    """
    return tf.distribute.MirroredStrategy(devices or None)


def resolve_precision(config: Config) -> str:
    """Keras dtype policy of a run: `config.precision`, with "auto" decided."""
    if config.precision != "auto":
        return config.precision
    return "mixed_bfloat16" if _has_fast_bfloat16() else "float32"


def _has_fast_bfloat16() -> bool:
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return details.get("compute_capability", (0, 0)) >= _BFLOAT16_CAPABILITY
    if not CPUINFO.exists():
        return False
    flags = CPUINFO.read_text(encoding="utf-8").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags
