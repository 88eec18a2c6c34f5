"""The task of segmentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepresolve.imaging.volume import Volume
from deepresolve.tasks.segmentation.known_grid import KnownGrid, Placed
from deepresolve.tasks.segmentation.pairs import SegmentationPairs
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.segmentation.validation import SegmentationValidation
from deepresolve.training.data import TrainingData
from deepresolve.training.trainable import Trainable


class Segmentation(Trainable[SegmentationConfig]):
    """A label map of tissues: learns from scans with labels."""

    settings = SegmentationConfig
    needs = ("image", "label")

    def check_data(self, config: SegmentationConfig, data: TrainingData) -> None:
        """Sees that all scans have labels, and the labels the classes.

        Raises:
          ValueError: they have not.
        """
        if data.num_labelled < len(data.shapes):
            raise ValueError(
                f"Only {data.num_labelled} of the {len(data.shapes)} training scans "
                f"of {data.records} have labels, and a segmentation learns from all "
                "of them. Convert the scans again with --labels and --label_names."
            )
        try:
            self.pairs(config, data.label_names)
        except ValueError as error:
            raise ValueError(f"{data.records}: {error}") from error

    def pairs(
        self, config: SegmentationConfig, label_names: Mapping[int, str]
    ) -> SegmentationPairs:
        """A scan and its classes.

        Raises:
          ValueError: the labels are not those that the classes are made of.
        """
        return SegmentationPairs(config, label_names)

    def validation(
        self, config: SegmentationConfig, label_names: Mapping[int, str]
    ) -> SegmentationValidation:
        """Dice coefficients of the classes."""
        return SegmentationValidation(config, label_names)

    def seen(self, config: SegmentationConfig, scan: Volume) -> dict[int, list[Volume]]:
        """The scan on the grid that the run asks for, if it does."""
        known = KnownGrid.of(config)
        return {1: [Placed.of(scan.canonical(), known).seen if known else scan]}

    def provenance(
        self, config: SegmentationConfig, data: TrainingData
    ) -> dict[str, Any]:
        """What the classes are made of."""
        return {
            "class_names": list(config.class_names),
            "label_names": {str(n): name for n, name in data.label_names.items()},
        }


TASK = Segmentation()
