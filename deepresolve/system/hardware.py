"""The processors at hand: what they are fast at, and how they are used."""

from __future__ import annotations

import pathlib

import tensorflow as tf

# NVIDIA's tensor cores multiply bfloat16 from this compute capability on (Ampere).
_BFLOAT16_CAPABILITY = (8, 0)

CPUINFO = pathlib.Path("/proc/cpuinfo")  # Linux; other systems do not say


def has_fast_bfloat16() -> bool:
    """Whether convolutions in bfloat16 are faster than in float32.

    The first GPU decides where there is one, else the processor's instructions.
    """
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return details.get("compute_capability", (0, 0)) >= _BFLOAT16_CAPABILITY
    if not CPUINFO.exists():
        return False
    flags = CPUINFO.read_text(encoding="utf-8").split()
    return "avx512_bf16" in flags or "amx_bf16" in flags


def compute_float32_exactly() -> None:
    """Keeps GPUs from rounding what float32 convolutions multiply to 11 bits (TF32).

    For this whole process. TensorFlow's default is the faster, coarser way.
    """
    tf.config.experimental.enable_tensor_float_32_execution(False)


def share_gpus() -> None:
    """Takes memory of GPUs as it is needed, so that other processes find some.

    To be called before TensorFlow computes anything.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)
