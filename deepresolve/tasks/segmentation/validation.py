"""Validation of a segmentation: how far it overlaps with the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage

from deepresolve.imaging.labels import lookup_table, slug
from deepresolve.metrics.table import METRICS, Metric
from deepresolve.tasks.segmentation.known_grid import KnownGrid, Placed
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.training.data import ValidationScan
from deepresolve.training.validation import Validation, drawing
from deepresolve.training.validation.blocks import Block, central_region, mean, measure

_LEGEND = (
    "The slice that holds most of the reference's classes. Cyan line: reference. "
    "Orange: predicted. Magenta: predicted as another class than the reference's."
)
_CYAN = (0.0, 0.9, 1.0)
_ORANGE = (1.0, 0.5, 0.0)
_MAGENTA = (1.0, 0.0, 0.8)
_OPACITY = 0.5
_TAG = "reference_cyan_prediction_orange"

# A picture's longer side, at least; voxels are then some pixels wide, and a line round
# thin cartilage does not hide it.
_SIDE = 384
_METRICS: Mapping[str, Metric] = {"dsc": METRICS["dsc"]}


class SegmentationValidation(Validation):
    """Overlap of classes in the middle of scans.

    Args:
      config: uses validation_shape and classes.
      label_names: name by label value.
      metrics: what to measure of two masks; NaN where it is not defined for a block,
        which then does not count. "dsc" is one of them.
    """

    monitor = "dsc"
    legend = _LEGEND

    def __init__(
        self,
        config: SegmentationConfig,
        label_names: Mapping[int, str],
        metrics: Mapping[str, Metric] = _METRICS,
    ):
        super().__init__(config, label_names)
        self._shape = config.validation_shape
        self._classes = config.classes
        self._class_names = config.class_names
        self._known = KnownGrid.of(config)
        self._metrics = metrics

    def cut(self, scan: ValidationScan) -> list[Block]:
        """The middle of a scan and of its classes.

        Args:
          scan: a canonical scan, in scan units, with its scale and labels.

        Raises:
          ValueError: the scan has no labels, or they lack a class.
        """
        if scan.label is None:
            raise ValueError(
                f"Validation scan {scan.subject!r} has no labels to measure a "
                "segmentation against. Convert the scans again with --labels and "
                "--label_names, or give --validation_volumes=0."
            )
        placed = Placed.of(scan.image, self._known)
        there = placed.there(scan.image.array)
        table = lookup_table(self._classes, self.label_names)
        classes = placed.labels_there(table[scan.label.array])
        region = central_region(placed.shape, self._shape)
        grid = placed.grid.crop(region)
        image = grid.with_array(scan.scale.apply(there[region]))
        return [Block(scan.subject, image, grid.with_array(classes[region]))]

    def describe(self, blocks: Sequence[Block]) -> str:
        """How much of each class the blocks hold.

        Raises:
          ValueError: a class is in none of them.
        """
        texts = []
        for number, name in enumerate(self._class_names, start=1):
            voxels = sum(np.count_nonzero(b.target.array == number) for b in blocks)
            if not voxels:
                subjects = ", ".join(block.subject for block in blocks)
                raise ValueError(
                    f"The class {name!r} has no voxel in the validation blocks, the "
                    f"middle {self._shape} of {subjects}: it could not be measured. "
                    "Raise --validation_shape or --validation_volumes, or give "
                    "--validation_volumes=0."
                )
            texts.append(f"{name} {voxels} voxels")
        return f"The validation blocks hold {', '.join(texts)}."

    def verdict(self, best: float, blocks: Sequence[Block]) -> str:
        """The best weights' Dice coefficient."""
        names = self._class_names
        of = f"mean of {len(names)} classes" if len(names) > 1 else names[0]
        return f"best validation Dice coefficient {best:.4f} ({of})"

    def estimate(self, output: np.ndarray) -> np.ndarray:
        """The label map: the most probable class of each voxel, uint8."""
        return np.argmax(output, axis=-1).astype(np.uint8)

    def scores(
        self, blocks: Sequence[Block], estimates: Sequence[np.ndarray]
    ) -> dict[str, float]:
        """Every metric of each class, mean over the blocks, and over the classes.

        Args:
          blocks: the references.
          estimates: one label map a block.

        Returns:
          "METRIC" and "METRIC_CLASS", with underscores for spaces and signs.

        Raises:
          ValueError: a block cannot be measured; the message names its scan.
        """
        pairs = list(zip(blocks, estimates, strict=True))
        result: dict[str, float] = {}
        for name, metric in self._metrics.items():
            of_classes = {
                f"{name}_{slug(class_name)}": mean(
                    [measure(metric, b, b.target.array == n, e == n) for b, e in pairs]
                )
                for n, class_name in enumerate(self._class_names, start=1)
            }
            result |= {name: mean(list(of_classes.values()))} | of_classes
        return result

    def draw(self, block: Block, estimate: np.ndarray) -> dict[str, np.ndarray]:
        """Overlays of reference and prediction, in the acquired plane and the others.

        Args:
          block: the scan and its classes, (rows, columns, slices).
          estimate: its label map, same shape.

        Returns:
          Images (1, height, width, 3) in 0..1 by tag; see `legend`. Square pixels,
          black at 0 and white at the 99th percentile of the scan.
        """
        scaled = np.clip(block.input.array / drawing.white_level(block.input), 0, 1)
        trio = (
            block.input.with_array(scaled),
            block.target,
            block.target.with_array(estimate),
        )
        scale = max(1, -(-_SIDE // max(block.input.shape)))
        images = {}
        for axis in (2, 0, 1):
            views = [drawing.across(volume, axis) for volume in trio]
            size_of_slices = np.count_nonzero(views[1].array, axis=(0, 1))
            index = int(np.argmax(size_of_slices))
            grey, reference, predicted = (
                drawing.square_pixels(
                    view.array[..., index],
                    view.spacing_mm[:2],
                    order=order,
                    scale=scale,
                )
                for view, order in zip(views, (1, 0, 0), strict=True)
            )
            tag = f"{_TAG}/{views[0].plane}"
            images[tag] = overlay(grey, reference, predicted, scale)[np.newaxis]
        return images


def overlay(
    grey: np.ndarray, reference: np.ndarray, predicted: np.ndarray, scale: int = 1
) -> np.ndarray:
    """An image in grey under the colours that `legend` tells.

    Args:
      grey: (rows, columns) in 0..1.
      reference: its classes, uint8.
      predicted: the classes found, uint8.
      scale: pixels along the side of a voxel; a line is half as wide.

    Returns:
      (rows, columns, 3) in 0..1.
    """
    image = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    confused = (predicted > 0) & (reference > 0) & (predicted != reference)
    for mask, colour in (((predicted > 0) & ~confused, _ORANGE), (confused, _MAGENTA)):
        image[mask] = (1 - _OPACITY) * image[mask] + _OPACITY * np.array(colour)
    image[_outline(reference, max(1, scale // 2))] = _CYAN
    return image


def _outline(classes: np.ndarray, width: int) -> np.ndarray:
    """Pixels of a class that lie within `width` pixels of another, or of none."""
    size = 2 * width + 1
    lowest = ndimage.minimum_filter(classes, size)
    highest = ndimage.maximum_filter(classes, size)
    return (classes > 0) & (lowest != highest)
