"""Measures whole blocks of validation volumes after each epoch, and draws them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from scipy import ndimage

from deepresolve.config import Config
from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.volume import Volume
from deepresolve.training.data import ValidationScan
from deepresolve.workdir import writing

Metric = Callable[..., float]

_WHITE_PERCENTILE = 99  # joint fluid, far brighter than all else, may saturate


class Block(NamedTuple):
    """A piece of a validation scan, canonical, scaled to 0..1, float32."""

    subject: str
    target: Volume
    interpolated: Volume


def validation_blocks(scans: Iterable[ValidationScan], config: Config) -> list[Block]:
    """A block of each of the first `validation_volumes` scans at each factor."""
    return [
        central_block(scan, factor, config.validation_shape)
        for scan in itertools.islice(scans, config.validation_volumes)
        for factor in config.downsample_factors
    ]


def central_block(scan: ValidationScan, factor: int, shape: Sequence[int]) -> Block:
    """The middle of a scan and of its TCI, degraded whole before it is cut.

    Slices past the last acquired one are never part of it.

    Args:
      scan: a canonical scan, in scan units, with its scale.
      factor: downsample factor of the TCI.
      shape: voxels of the block, at most, (rows, columns, slices).
    """
    target = scan.image.with_array(scan.scale.apply(scan.image.array))
    tci = interpolate(thicken(target, factor), factor)
    region = []
    for size, wanted in zip(tci.shape, shape, strict=True):
        # Starts at an acquired slice, as a folded network needs it.
        start = max(0, size - wanted) // 2 // factor * factor
        region.append(slice(start, start + min(size, wanted)))
    return Block(scan.subject, target.crop(region), tci.crop(region))


def mean_scores(
    blocks: Sequence[Block],
    estimates: Sequence[np.ndarray],
    metrics: Mapping[str, Metric],
) -> dict[str, float]:
    """Mean over all blocks of every metric.

    Args:
      blocks: the references.
      estimates: one array a block, of its shape.
      metrics: `fn(reference, estimate, *, spacing_mm, data_range)` by name.

    Raises:
      ValueError: a block cannot be measured; the message names its subject.
    """
    scores: dict[str, list[float]] = {name: [] for name in metrics}
    for (subject, target, _), estimate in zip(blocks, estimates, strict=True):
        for name, metric in metrics.items():
            try:
                score = metric(
                    target.array,
                    estimate,
                    spacing_mm=target.spacing_mm,
                    data_range=1.0,
                )
            except ValueError as error:
                raise ValueError(f"Validation scan {subject!r}: {error}") from error
            scores[name].append(score)
    return {name: float(np.mean(values)) for name, values in scores.items()}


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
        self._tensorboard = tensorboard
        self._writer = tf.summary.create_file_writer(tensorboard)

    def on_epoch_end(self, epoch, logs=None):
        """Measures every block and draws the first."""
        estimates = [self._estimate(block.interpolated) for block in self._blocks]
        if logs is not None:
            logs.update(self._measure(estimates))
        images = montages(self._blocks[0], estimates[0])
        with writing(self._tensorboard):
            with self._writer.as_default():
                for plane, image in images.items():
                    tf.summary.image(f"ground_truth_sr_tci/{plane}", image, step=epoch)
            self._writer.flush()

    def _estimate(self, interpolated: Volume) -> np.ndarray:
        batch = tf.constant(interpolated.array[np.newaxis, ..., np.newaxis])
        return np.asarray(self.model(batch, training=False))[0, ..., 0]

    def _measure(self, estimates: Sequence[np.ndarray]) -> dict[str, float]:
        losses = [
            float(self.model.loss(block.target.array[np.newaxis], estimate[np.newaxis]))
            for block, estimate in zip(self._blocks, estimates, strict=True)
        ]
        scores = mean_scores(self._blocks, estimates, self._metrics)
        return {"val_loss": float(np.mean(losses))} | {
            f"val_{name}": score for name, score in scores.items()
        }


def montages(block: Block, estimate: np.ndarray) -> dict[str, np.ndarray]:
    """Ground truth | SR | TCI through the centre, in the planes across the slices.

    Args:
      block: the scan and its TCI, (rows, columns, slices).
      estimate: the super-resolved block, same shape.

    Returns:
      Images (1, height, width, 1) in 0..1 by the plane's name, with square pixels,
      black at 0 and white at the 99th percentile of the scan.
    """
    target = block.target
    trio = (target.array, estimate, block.interpolated.array)
    white = np.percentile(target.array, _WHITE_PERCENTILE)
    images = {}
    for axis in (0, 1):
        plane = dataclasses.replace(target, slice_axis=axis).plane
        middle = target.shape[axis] // 2
        row = np.concatenate([np.take(a, middle, axis) for a in trio], axis=1)
        spacing = np.delete(target.spacing_mm, axis)
        image = ndimage.zoom(row, spacing / spacing.min(), order=1)
        images[plane] = np.clip(image / white, 0, 1)[np.newaxis, ..., np.newaxis]
    return images
