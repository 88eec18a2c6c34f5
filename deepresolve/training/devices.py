"""Which devices a run uses, and how precisely it computes."""

from __future__ import annotations

import functools

import tensorflow as tf

from deepresolve.config import Config
from deepresolve.networks import find_model
from deepresolve.system.hardware import has_fast_bfloat16
from deepresolve.training import workers


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


def compute_deterministically() -> None:
    """Lets every operation of this process repeat bit for bit.

    Deterministic kernels alone do not: a sum of three gradients or more (AddN) begins
    with the one whose memory is free first, and which that is depends on what runs
    beside it. So operations also run one after the other, each on all cores.

    Raises:
      ValueError: TensorFlow computes already, and its threads are given.
    """
    if tf.config.threading.get_inter_op_parallelism_threads() != 1:
        try:
            tf.config.threading.set_inter_op_parallelism_threads(1)
        except RuntimeError as error:
            raise ValueError(
                "A deterministic run must begin before TensorFlow computes anything, "
                "and in this process it has. Start the run in a process of its own, or "
                "call tf.config.threading.set_inter_op_parallelism_threads(1) first."
            ) from error
    tf.config.experimental.enable_op_determinism()


def resolve_precision(config: Config) -> str:
    """Keras dtype policy of a run: `config.precision`, with "auto" decided.

    Raises:
      ValueError: bfloat16 is asked for where it would train wrongly.
    """
    if config.precision == "auto":
        fast = has_fast_bfloat16() and not _has_two_columns(config)
        return "mixed_bfloat16" if fast else "float32"
    on_cpu = not tf.config.list_physical_devices("GPU")
    if config.precision == "mixed_bfloat16" and on_cpu and _has_two_columns(config):
        raise ValueError(
            "precision=mixed_bfloat16: without a GPU, gradients are wrong where a "
            "level of the network is two columns wide, as it would be with patch_shape="
            f"{config.patch_shape} and num_levels={_num_levels(config)}. Choose other "
            "patches, or --precision=float32."
        )
    return config.precision


def _has_two_columns(config: Config) -> bool:
    """Whether patches are two columns wide at a level of the network.

    There the gradient of a bfloat16 convolution on a CPU is wrong, and at times not
    finite (seen with TensorFlow 2.15 and 2.21).
    """
    levels, columns = _num_levels(config), config.patch_shape[1]
    return levels > 1 and any(-(-columns // 2**n) == 2 for n in range(levels))


def _num_levels(config: Config) -> int:
    return find_model(config).num_resolutions(config)
