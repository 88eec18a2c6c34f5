"""What `gpu.py` measures, each in a process of its own, on any backend of Keras."""

from __future__ import annotations

import functools
import importlib.metadata
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

import gpu_backends
import keras
import memory
import numpy as np

from deepresolve import networks, presets
from deepresolve.config import Config
from deepresolve.inference.tiling import DEFAULT_OVERLAP, tiled, window_starts
from deepresolve.networks import cost
from deepresolve.system.keras_stack import ops
from deepresolve.training.optimizers import build_optimizer

POLICIES = {
    "float32": "float32",
    "tf32": "float32",
    "bfloat16": "mixed_bfloat16",
}
STEPS_AT_A_TIME = 5  # between two looks at the clock, as training does not wait either
_WARM_UPS = 2  # the first compiles, and tries algorithms


def describe(backend: str) -> dict:
    """The GPU's name, if there is one, the versions, and the ways to compile."""
    on = gpu_backends.load(backend)
    package = gpu_backends.BACKENDS[backend][0]
    version = importlib.metadata.version(package)
    return {
        "device": on.device_name(),
        "versions": f"Keras {keras.__version__} on {package} {version}",
        "compilations": on.COMPILATIONS,
    }


def training_step(
    backend: str,
    preset: str,
    precision: str,
    compilation: str,
    repeats: int,
    changes: dict,
) -> dict:
    """Measures training steps, the batch already on the device.

    Args:
      backend: name in `gpu_backends.BACKENDS`.
      preset: the network and its training.
      precision: "float32", "tf32" or "bfloat16".
      compilation: one of the backend's.
      repeats: how often `STEPS_AT_A_TIME` steps are timed.
      changes: of the preset's fields.

    Returns:
      Figures by name, of one step.
    """
    on, config, model = _prepare(backend, preset, precision, changes)
    loss = networks.build_loss(config)
    step = on.training_step(model, loss, build_optimizer(config), compilation)
    image, target = (on.put(array) for array in _batch(config))

    def steps():
        for _ in range(STEPS_AT_A_TIME):
            value = step(image, target)
        on.wait(value)

    seconds = [s / STEPS_AT_A_TIME for s in _timed(steps, repeats)]
    voxels = config.batch_size * math.prod(config.patch_shape)
    flop = cost.flop_per_voxel(model, config.patch_shape) * voxels
    return {
        "batch": (config.batch_size, *config.patch_shape),
        "passes": 1,
        **_figures(seconds, cost.FORWARD_PASSES_PER_STEP * flop, on),
    }


def whole_volume(
    backend: str,
    preset: str,
    precision: str,
    compilation: str,
    repeats: int,
    shape: tuple[int, int, int],
    num_slices: int,
) -> dict:
    """Measures a whole volume, from an array of the host to an array of the host.

    Args:
      backend: name in `gpu_backends.BACKENDS`.
      preset: the network.
      precision: "float32", "tf32" or "bfloat16".
      compilation: one of the backend's.
      repeats: how often it is timed.
      shape: (rows, columns, slices).
      num_slices: slices that come out of one pass.

    Returns:
      Figures by name.
    """
    on, config, model = _prepare(backend, preset, precision, {})
    image = np.random.default_rng(0).random(shape, np.float32)
    apply, num_passes = volume_function(
        on, model, config, compilation, shape, num_slices
    )
    seconds = _timed(lambda: apply(image), repeats)
    flop = cost.flop_per_voxel(model, shape) * math.prod(shape)
    return {
        "volume_shape": shape,
        "passes": num_passes,
        **_figures(seconds, flop, on),
    }


def volume_function(
    on,
    model: keras.Model,
    config: Config,
    compilation: str,
    shape: Sequence[int],
    num_slices: int,
) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """A function of a volume, and the number of passes that it takes.

    Super-resolution is exact in any number of passes. A segmentation network sees too
    far for that: its windows overlap and are blended, as in `deepresolve.inference`.

    Args:
      on: module of the backend.
      model: the network.
      config: its preset.
      compilation: one of the backend's.
      shape: (rows, columns, slices) of the volume.
      num_slices: slices that come out of one pass.
    """
    if config.task == "super_resolution":
        network = on.inference(model, lambda image: image, compilation)
        halo = config.num_layers  # each layer sees one slice further
        spans = list(block_spans(shape[2], num_slices, halo))
        return functools.partial(_super_resolve, on, network, spans), len(spans)
    if num_slices >= shape[2]:
        network = on.inference(model, _label_map, compilation)
        return functools.partial(_pass, on, network), 1
    network = on.inference(model, lambda image: image, compilation)
    segment = functools.partial(
        tiled,
        lambda voxels: on.fetch(network(on.put(voxels.copy()))),
        window_shape=(*shape[:2], num_slices),
        overlap=(0, 0, DEFAULT_OVERLAP),
        num_outputs=model.output_shape[-1],
    )
    num_windows = len(window_starts(shape[2], num_slices, DEFAULT_OVERLAP))
    return lambda image: segment(image).argmax(axis=-1).astype(np.uint8), num_windows


def block_spans(
    num_slices: int, kept: int, halo: int
) -> Iterator[tuple[slice, slice, slice]]:
    """Which slices go through the network together, and which of them are right.

    All blocks are of one size, so that one program serves them all: at the volume's
    ends they reach further inwards.

    Args:
      num_slices: of the volume.
      kept: slices that come out of one block.
      halo: slices that the network sees on each side of one.

    Yields:
      The block's place in the volume, its right slices' place in the volume, and theirs
      within the block.
    """
    size = min(num_slices, kept + 2 * halo)
    if size == num_slices:
        kept = num_slices
    for first in range(0, num_slices, kept):
        last = min(first + kept, num_slices)
        start = min(max(first - halo, 0), num_slices - size)
        yield (
            slice(start, start + size),
            slice(first, last),
            slice(first - start, last - start),
        )


def _prepare(backend: str, preset: str, precision: str, changes: dict):
    """The backend's module, the config and the network."""
    on = gpu_backends.load(backend)
    on.set_precision(precision)
    keras.utils.set_random_seed(1)
    config = presets.get(preset).replace(**changes)
    return on, config, networks.build_model(config, POLICIES[precision])


def _batch(config: Config) -> tuple[np.ndarray, np.ndarray]:
    shape = (config.batch_size, *config.patch_shape, 1)
    image = np.random.default_rng(0).random(shape, np.float32)
    if config.task == "super_resolution":
        return image, image[::-1].copy()
    return image, (image > 0.9).astype(np.uint8)


def _label_map(probabilities):
    return ops.cast(ops.argmax(probabilities, axis=-1), "uint8")


def _pass(on, network, image: np.ndarray) -> np.ndarray:
    """(I, J, K) -> (I, J, K) or (I, J, K, C), by way of the device."""
    return on.fetch(network(on.put(image[np.newaxis, ..., np.newaxis])))[0]


def _super_resolve(on, network, spans, image: np.ndarray) -> np.ndarray:
    if len(spans) == 1:
        return _pass(on, network, image)[..., 0]
    result = np.empty_like(image)
    for block, of_volume, of_block in spans:
        sharp = _pass(on, network, np.ascontiguousarray(image[:, :, block]))
        result[:, :, of_volume] = sharp[:, :, of_block, 0]
    return result


def _timed(run: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of each of several runs, after those that warm up."""
    for _ in range(_WARM_UPS):
        run()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


def _figures(seconds: list[float], flop: float, on) -> dict:
    median = statistics.median(seconds)
    peak = on.peak_bytes()
    if peak is None:  # no GPU: what the process has
        peak = memory.peak_gib() * 2**30
    return {
        "seconds": median,
        "seconds_min": min(seconds),
        "seconds_max": max(seconds),
        "tflop": flop / 1e12,
        "tflop_per_second": flop / 1e12 / median,
        "peak_gib": peak / 2**30,
    }
