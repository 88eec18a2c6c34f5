"""What is done with every subject: which networks, which image sets, which metrics.

Image sets, by name:

    ground_truth   the thin-slice scan itself
    sr             thickened and super-resolved by the network "sr"
    tci            thickened and brought back by tricubic interpolation
    fourier        thickened and brought back by Fourier interpolation

Networks, by the part that they play:

    sr             super-resolution
    seg            segmentation, run on every image set
    benchmark      the segmentation that "seg" is measured against, run on the ground
                   truth alone, as in the paper
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from deepresolve.imaging.factor import check_factor
from deepresolve.metrics.table import METRICS, Kind, Metric
from deepresolve.tasks.segmentation.classes import Classes

IMAGE_SETS = ("ground_truth", "sr", "tci", "fourier")
# What image sets are called where nobody knows the network: `Plan.titles` does.
TITLES = {
    "ground_truth": "Ground truth",
    "sr": "SR-CNN",
    "tci": "TCI",
    "fourier": "Fourier",
}
NETWORKS = ("sr", "seg", "benchmark")
SEGMENTATIONS = ("seg", "benchmark")


@dataclasses.dataclass(frozen=True)
class Network:
    """A trained network as a function of one volume.

    Attributes:
      title: its name in tables, such as "SR-CNN".
      run: of "sr" a `restoration.Restore`. A segmentation takes a canonical Volume,
        float32, scaled to about 0..1, and returns whole numbers of that shape, 0 for
        background and n for the n-th class.
      published: trained as the published network was, so that the published numbers
        may stand beside its own.
      flips: a segmentation that is averaged with its mirror image, left for right.
    """

    title: str
    run: Callable[..., np.ndarray]
    published: bool = False
    flips: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """Everything that is done with each subject.

    Attributes:
      networks: by the part that each plays; at least one.
      downsample_factor: thick slices are this many thin ones apart. None: the scan is
        not thickened, and the ground truth is the only image set.
      classes: the tissues of the segmentations; None without any.
      metrics: how image sets are measured against the ground truth, and each class of a
        segmentation against the reference.
      label_names: what the values of the subjects' own labels mean: the thickness of
        cartilage is measured from the bones among them.

    Raises:
      ValueError: a network plays an unknown part or lacks what it needs.
    """

    networks: Mapping[str, Network]
    downsample_factor: int | None = None
    classes: Classes | None = None
    metrics: Mapping[str, Metric] = dataclasses.field(default_factory=lambda: METRICS)
    label_names: Mapping[int, str] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.networks or not set(self.networks) <= set(NETWORKS):
            raise ValueError(
                f"An evaluation needs some of the networks {NETWORKS}; got "
                f"{sorted(self.networks)}."
            )
        if self.downsample_factor is not None:
            check_factor(self.downsample_factor)
        elif "sr" in self.networks:
            raise ValueError("Super-resolution needs a downsample factor; got None.")
        if self.segmentations and self.classes is None:
            raise ValueError("A segmentation needs its classes; got None.")

    @property
    def class_names(self) -> tuple[str, ...]:
        """The tissues that are segmented; none without a segmentation."""
        return self.classes.names if self.classes else ()

    def scores_of(self, kind: Kind) -> list[str]:
        """The metrics of images, or of masks, that say how good an estimate is."""
        return [
            name
            for name, metric in self.metrics.items()
            if metric.of == kind and metric.best is not None
        ]

    @property
    def image_sets(self) -> tuple[str, ...]:
        """The image sets that are made, in the order of `IMAGE_SETS`."""
        if self.downsample_factor is None:
            return IMAGE_SETS[:1]
        return tuple(s for s in IMAGE_SETS if s != "sr" or s in self.networks)

    @property
    def titles(self) -> dict[str, str]:
        """What image sets are called in tables and figures, in their order."""
        own = {"sr": self.networks["sr"].title} if "sr" in self.networks else {}
        return TITLES | own

    @property
    def segmentations(self) -> tuple[str, ...]:
        """The networks that segment."""
        return tuple(name for name in SEGMENTATIONS if name in self.networks)

    def segmented_sets(self, network: str) -> tuple[str, ...]:
        """The image sets that a segmentation is run on."""
        return self.image_sets if network == "seg" else IMAGE_SETS[:1]
