"""The single runs of `inference.py`: each function is called in a fresh process.

What they compare lies in one folder: volume.npy, weights.npz (kernel_0, bias_0, ...)
and the output of each run.
"""

from __future__ import annotations

import pathlib
import time

import memory
import numpy as np
import synthetic

# Of the residual of a trained network, full scale 1.
_RESIDUAL_DEVIATION = 0.02


def _measured(start: float, voxels: int) -> dict[str, float]:
    return {
        "seconds": time.perf_counter() - start,
        "voxels": voxels,
        "peak_gib": memory.peak_gib(),
    }


def _network(folder: pathlib.Path, preset: str):
    from deepresolve import networks, presets

    model = networks.build_model(presets.get(preset))
    with np.load(folder / "weights.npz") as weights:
        model.set_weights(list(weights.values()))
    return model


def _run_once(model, volume: np.ndarray) -> np.ndarray:
    """One pass of the Keras model, as one graph."""
    import tensorflow as tf

    graph = tf.function(lambda voxels: model(voxels, training=False))
    return graph(tf.constant(volume[np.newaxis, ..., np.newaxis]))[0, ..., 0].numpy()


def prepare(folder: pathlib.Path, preset: str, shape: tuple[int, int, int]) -> dict:
    """Writes the volume and the weights; returns what a voxel costs."""
    from deepresolve import networks, presets
    from deepresolve.networks import cost

    config = presets.get(preset)
    intensity, _ = synthetic.scan(0, shape)
    np.save(folder / "volume.npy", intensity.astype(np.float32) / 1000)
    model = networks.build_model(config)
    block = intensity[:48, :48, :48].astype(np.float32) / 1000
    deviation = np.std(_run_once(model, block) - block)
    *inner, kernel, bias = model.get_weights()
    weights = [*inner, kernel * (_RESIDUAL_DEVIATION / deviation), bias]
    names = [f"{kind}_{n // 2}" for n, kind in enumerate(["kernel", "bias"] * 100)]
    np.savez(folder / "weights.npz", **dict(zip(names, weights, strict=False)))
    return {
        "preset": preset,
        "volume_shape": shape,
        "flop_per_voxel": cost.flop_per_voxel(model, config.patch_shape),
    }


def stream(folder: pathlib.Path, preset: str, dtype: str) -> dict[str, float]:
    """The whole volume, streamed."""
    from deepresolve.inference.streaming import StreamedModel

    network = StreamedModel(_network(folder, preset), dtype)
    volume = np.load(folder / "volume.npy")
    start = time.perf_counter()
    result = network(volume, "stream")[..., 0]
    figures = _measured(start, volume.size)
    np.save(folder / f"streamed_{dtype}.npy", result)
    return figures


def one_pass(
    folder: pathlib.Path, preset: str, dtype: str, slices: int
) -> dict[str, float]:
    """The first slices of the volume, at once."""
    from deepresolve import networks, presets

    policy = {"float32": "float32", "bfloat16": "mixed_bfloat16"}[dtype]
    model = networks.build_model(presets.get(preset), policy)
    model.set_weights(_network(folder, preset).get_weights())
    volume = np.load(folder / "volume.npy")[:, :, :slices]
    start = time.perf_counter()
    result = _run_once(model, volume)
    figures = _measured(start, volume.size)
    np.save(folder / f"one_pass_{dtype}.npy", result)
    return figures


def differences(folder: pathlib.Path, preset: str) -> dict[str, tuple[float, float]]:
    """Largest and RMS difference of every output from the exact one.

    Exact is the single pass, where what follows its last slice cannot be seen; for
    whole volumes it is the stream in float32, which the first line compares with the
    pass.

    Raises:
      ValueError: in the single pass what follows is seen everywhere.
    """
    from deepresolve import presets

    exact = np.load(folder / "one_pass_float32.npy")
    streamed = np.load(folder / "streamed_float32.npy")
    whole = exact.shape[2] == streamed.shape[2]
    # Each convolution sees one plane further.
    config = presets.get(preset)
    reach = 0 if whole else config.num_layers * config.fold[2]
    seen = exact.shape[2] - reach
    if seen < 1:
        raise ValueError(
            f"{preset} sees {reach} slices further: --one_pass_slices must be more."
        )
    result = {
        "streamed_float32, slices of the single pass": _difference(
            streamed[:, :, :seen], exact[:, :, :seen]
        )
    }
    for name in ("streamed_bfloat16", "monai_float32", "monai_bfloat16"):
        path = folder / f"{name}.npy"
        if path.exists():
            result[f"{name}, all slices"] = _difference(np.load(path), streamed)
    return result


def _difference(estimate: np.ndarray, exact: np.ndarray) -> tuple[float, float]:
    error = estimate - exact
    return float(np.abs(error).max()), float(np.sqrt(np.mean(error**2)))


def quality(workdir: str, scan: str | None) -> dict[str, float]:
    """The pSNR in dB of a scan made thick and restored, by precision.

    Args:
      workdir: of a trained super-resolution.
      scan: path of a thin-slice scan; None: a synthetic knee.
    """
    from deepresolve.imaging import formats
    from deepresolve.imaging.degradation import thicken
    from deepresolve.imaging.intensity import estimate_scale
    from deepresolve.metrics.image import psnr
    from deepresolve.simulation import phantom
    from deepresolve.tasks.super_resolution.restoration import acquired_span
    from deepresolve.tasks.super_resolution.super_resolver import SuperResolver
    from deepresolve.tasks.trained_run import TrainedRun

    if scan:
        thin = formats.read_image(scan)
    else:
        thin = phantom.knee(seed=0, shape=(112, 112, 91), spacing_mm=(1, 1, 1)).image
    thin = thin.canonical()
    scale = estimate_scale(thin.array)
    result = {}
    for dtype in ("float32", "bfloat16"):
        resolver = SuperResolver.from_run(TrainedRun.open(workdir), dtype=dtype)
        factor = resolver.choose_factor(None)
        restored = resolver.super_resolve(thicken(thin, factor), factor)
        reference = acquired_span(thin, factor)
        result[dtype] = psnr(
            scale.apply(reference.array),
            scale.apply(restored.array),
            data_range=1.0,
        )
    return result
