"""The single runs of `segmentation.py`: each function is called in a fresh process.

What they share lies in one folder: volume.npy, weights.npz (LAYER/0, LAYER/1, ...), and
the label map of each run.
"""

from __future__ import annotations

import dataclasses
import pathlib
import time

import memory
import numpy as np

# Until a convolution has been timed for so long.
_TIMED_SECONDS = 0.5


def prepare(folder: pathlib.Path, preset: str, shape: tuple[int, int, int]) -> dict:
    """Writes the volume and fresh weights; returns what the network is."""
    import keras

    from deepresolve import networks, presets
    from deepresolve.networks import cost

    config = presets.get(preset)
    keras.utils.set_random_seed(1)
    model = networks.build_model(config)
    weights = {
        f"{layer.name}/{number}": weight
        for layer in model.layers
        for number, weight in enumerate(layer.get_weights())
    }
    np.savez(folder / "weights.npz", **weights)
    np.save(folder / "volume.npy", np.random.default_rng(0).random(shape, np.float32))
    return {
        "preset": preset,
        "volume_shape": shape,
        "parameters": cost.num_parameters(model),
        "flop_per_voxel": cost.flop_per_voxel(model, config.patch_shape),
    }


def segment(
    folder: pathlib.Path, preset: str, engine: str, dtype: str
) -> dict[str, float]:
    """What the segmentation of the volume takes; its label map goes to the folder.

    Args:
      folder: of the volume.
      preset: names the network.
      engine: what it goes through the volume by.
      dtype: what it computes in.
    """
    from deepresolve.imaging.volume import Volume, affine_along_axes
    from deepresolve.tasks.segmentation.models import MODELS
    from deepresolve.tasks.segmentation.segmenter import Segmenter

    model, config = _network(folder, preset, dtype)
    MODELS[config.model] = dataclasses.replace(MODELS[config.model], engine=engine)
    segmenter = Segmenter(model, config, dtype=dtype)
    array = np.load(folder / "volume.npy")
    scan = Volume(array, affine_along_axes("IPL", (1.0, 1.0, 1.0)), slice_axis=2)
    start, processor = time.perf_counter(), time.process_time()
    labels = segmenter.label_map(scan)
    figures = _measured(start, processor)
    np.save(folder / f"{engine}_{dtype}.npy", labels)
    return figures


def products(folder: pathlib.Path, preset: str, dtype: str) -> dict[str, float]:
    """Seconds that the products of a stream's 3x3x3 convolutions take by themselves.

    Six 2D convolutions for each four planes, or one for each where planes are small or
    channels few; nothing is mixed, joined, enlarged or moved. Each convolution is timed
    on one plane of its size and counted as often as the volume has planes for it.
    """
    import tensorflow as tf

    from deepresolve.inference import convolutions
    from deepresolve.inference.stream_nodes import Convolved
    from deepresolve.inference.stream_parser import parse

    model, _ = _network(folder, preset, dtype)
    shapes = [np.load(folder / "volume.npy", mmap_mode="r").shape]
    convolve = tf.function(lambda plane, kernel: tf.nn.conv2d(plane, kernel, 1, "SAME"))
    wall = processor = 0.0
    for step in parse(model, dtype):
        of_inputs = [shapes[parent] for parent in step.parents]
        shapes.append(step.node.shape(*of_inputs))
        if not isinstance(step.node, Convolved):
            continue
        rows, columns, slices = of_inputs[0]
        convolution = step.node._convolution
        kernel, num = convolution._side_by_side, slices
        if convolution._is_wide and rows * columns >= convolutions._FEWEST_VOXELS:
            groups = -(-slices // convolutions.GROUP)
            kernel, num = convolution._kernels[0], 6 * groups
        plane = tf.cast(tf.random.normal((1, rows, columns, kernel.shape[2])), dtype)
        own = _each(lambda p=plane, k=kernel: convolve(p, k))
        wall, processor = wall + num * own[0], processor + num * own[1]
    return {
        "seconds": wall,
        "processor_seconds": processor,
        "peak_gib": memory.peak_gib(),
    }


def _each(call) -> tuple[float, float]:
    """Seconds and processor seconds of a call, which is made again and again."""
    call()
    count, start, processor = 0, time.perf_counter(), time.process_time()
    while count < 3 or time.perf_counter() - start < _TIMED_SECONDS:
        call().numpy()
        count += 1
    wall = time.perf_counter() - start
    return wall / count, (time.process_time() - processor) / count


def moved(folder: pathlib.Path) -> dict[str, float]:
    """Share of the voxels that each run puts into another class than the exact one."""
    exact = np.load(folder / "stream_float32.npy")
    return {
        path.stem: float(np.mean(np.load(path) != exact))
        for path in sorted(folder.glob("*_*.npy"))
        if path.stem != "stream_float32"
    }


def _network(folder: pathlib.Path, preset: str, dtype: str):
    """The network with its weights, and its settings."""
    from deepresolve import networks, presets

    config = presets.get(preset)
    policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[dtype]
    model = networks.build_model(config, policy)
    with np.load(folder / "weights.npz") as weights:
        model.set_weights(list(weights.values()))
    return model, config


def _measured(start: float, processor: float) -> dict[str, float]:
    return {
        "seconds": time.perf_counter() - start,
        "processor_seconds": time.process_time() - processor,
        "peak_gib": memory.peak_gib(),
    }
