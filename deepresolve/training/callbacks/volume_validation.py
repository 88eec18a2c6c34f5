"""Measures whole blocks of validation volumes after each epoch, and draws them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from scipy import ndimage

from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume

Metric = Callable[..., float]


class Block(NamedTuple):
    """A piece of a validation scan, canonical, scaled to 0..1, float32."""

    target: Volume
    interpolated: Volume


def central_block(
    volume: Volume, scale: IntensityScale, factor: int, shape: Sequence[int]
) -> Block:
    """The middle of a scan and of its TCI, degraded whole before it is cut.

    Slices past the last acquired one are never part of it.

    Args:
      volume: a canonical scan, in scan units.
      scale: its scale to 0..1.
      factor: downsample factor of the TCI.
      shape: voxels of the block, at most, (rows, columns, slices).
    """
    target = volume.with_array(scale.apply(volume.array))
    tci = interpolate(thicken(target, factor), factor)
    region = []
    for size, wanted in zip(tci.shape, shape, strict=True):
        # Starts at an acquired slice, as training patches do.
        start = max(0, size - wanted) // 2 // factor * factor
        region.append(slice(start, start + min(size, wanted)))
    return Block(target.crop(region), tci.crop(region))


class VolumeValidation(keras.callbacks.Callback):
    """Adds val_loss and one val_METRIC a metric to the epoch's logs.

    Also writes images to TensorBoard: the two planes across the slices (for a sagittal
    scan: axial and coronal), each with ground truth | SR | TCI side by side.

    Args:
      blocks: what to measure; the first one is drawn.
      metrics: `fn(reference, estimate, *, spacing_mm, data_range)` by name.
      tensorboard: folder for the images.
    """

    def __init__(
        self, blocks: Sequence[Block], metrics: Mapping[str, Metric], tensorboard: str
    ):
        super().__init__()
        self._blocks = list(blocks)
        self._metrics = dict(metrics)
        self._writer = tf.summary.create_file_writer(tensorboard)

    def on_epoch_end(self, epoch, logs=None):
        """Measures every block and draws the first."""
        estimates = [self._estimate(block.interpolated) for block in self._blocks]
        if logs is not None:
            logs.update(self._measure(estimates))
        images = montages(self._blocks[0], estimates[0])
        with self._writer.as_default():
            for plane, image in images.items():
                tf.summary.image(f"ground_truth_sr_tci/{plane}", image, step=epoch)
        self._writer.flush()

    def _estimate(self, interpolated: Volume) -> np.ndarray:
        batch = tf.constant(interpolated.array[np.newaxis, ..., np.newaxis])
        return np.asarray(self.model(batch, training=False))[0, ..., 0]

    def _measure(self, estimates: Sequence[np.ndarray]) -> dict[str, float]:
        scores: dict[str, list[float]] = {}
        for (target, _), estimate in zip(self._blocks, estimates, strict=True):
            loss = self.model.loss(target.array[np.newaxis], estimate[np.newaxis])
            scores.setdefault("val_loss", []).append(float(loss))
            for name, metric in self._metrics.items():
                score = metric(
                    target.array,
                    estimate,
                    spacing_mm=target.spacing_mm,
                    data_range=1.0,
                )
                scores.setdefault(f"val_{name}", []).append(score)
        return {name: float(np.mean(values)) for name, values in scores.items()}


def montages(block: Block, estimate: np.ndarray) -> dict[str, np.ndarray]:
    """Ground truth | SR | TCI through the centre, in the planes across the slices.

    Args:
      block: the scan and its TCI, (rows, columns, slices).
      estimate: the super-resolved block, same shape.

    Returns:
      Images (1, height, width, 1) in 0..1 by the plane's name, with square pixels.
    """
    target = block.target
    trio = (target.array, estimate, block.interpolated.array)
    images = {}
    for axis in (0, 1):
        plane = dataclasses.replace(target, slice_axis=axis).plane
        middle = target.shape[axis] // 2
        row = np.concatenate([np.take(a, middle, axis) for a in trio], axis=1)
        spacing = np.delete(target.spacing_mm, axis)
        image = ndimage.zoom(row, spacing / spacing.min(), order=1)
        images[plane] = np.clip(image, 0, 1)[np.newaxis, ..., np.newaxis]
    return images
