"""How much a label map changes where nothing should: when the scan is mirrored.

A network that has understood an image says the same of its mirror image. Where it does
not, it is unsure. Small spread is no proof: both passes can share one mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deepresolve.metrics import rounding
from deepresolve.tasks.findings import Finding, Section, digits

SAME_IMAGE = {
    "measured": False,
    "why": "the network sees one sagittal slice at a time: mirrored, they are the same",
}

# Twice the 1.9% by which cartilage volumes of the best systems vary from one visit to
# the next (root mean square coefficient of variation, IWOAI 2019 challenge); ours.
_LARGEST_VARIATION = 0.038


class MirrorSpread:
    """What a segmentation says of a scan beside what it says of its mirror image.

    It is called with the probabilities of both, (rows, columns, slices, 1 + classes),
    in the axes and classes of the scan as it is, and keeps what it needs of them.

    Args:
      class_names: of the classes from 1 on.

    Attributes:
      disagreement: (rows, columns, slices) float32: the share of probability that the
        two give to different classes, 0 to 1.
    """

    def __init__(self, class_names: Sequence[str]):
        self._class_names = class_names
        self._labels: list[np.ndarray] = []

    def __call__(
        self, straight: np.ndarray, mirrored: np.ndarray, channels: Sequence[int]
    ) -> None:
        """Takes the probabilities.

        Args:
          straight: of the scan.
          mirrored: of its mirror image, mirrored back.
          channels: the channel of `mirrored` that each of `straight` belongs to.
        """
        self.disagreement = np.zeros(straight.shape[:-1], np.float32)
        for channel, of_mirror in enumerate(channels):
            difference = straight[..., channel] - mirrored[..., of_mirror]
            self.disagreement += np.abs(difference, out=difference)
        self.disagreement /= 2
        # Mirroring twice changes nothing: `channels` is its own inverse.
        of_channel = np.asarray(channels, np.uint8)
        self._labels = [
            np.argmax(straight, axis=-1).astype(np.uint8),
            of_channel[np.argmax(mirrored, axis=-1)],
        ]

    @property
    def of_mirror(self) -> np.ndarray:
        """(rows, columns, slices) uint8: the label map that the mirror image gives."""
        return self._labels[1]

    def section(self, voxel_mm3: float) -> Section:
        """Of the report on a label map: `numbers`, and what of them is off."""
        numbers = self.numbers(voxel_mm3)
        return Section(numbers, tuple(findings(numbers["classes"])))

    def numbers(self, voxel_mm3: float) -> dict[str, Any]:
        """JSON values.

        Args:
          voxel_mm3: volume of a voxel.
        """
        return {
            "measured": True,
            "over": "2 passes: as it is, and left for right",
            "classes": {
                name: self._of_class(number, voxel_mm3)
                for number, name in enumerate(self._class_names, start=1)
            },
        }

    def _of_class(self, number: int, voxel_mm3: float) -> dict[str, Any]:
        straight, mirrored = (labels == number for labels in self._labels)
        sizes = [int(np.count_nonzero(mask)) for mask in (straight, mirrored)]
        either = straight | mirrored
        common = sum(sizes) - int(np.count_nonzero(either))
        found = bool(sum(sizes))
        return {
            "volumes_mm3": [rounding.mm3(size * voxel_mm3) for size in sizes],
            "coefficient_of_variation": _variation(*sizes) if found else None,
            "dice": digits(2 * common / sum(sizes)) if found else None,
            "mean_disagreement": (
                digits(self.disagreement[either].mean(dtype=np.float64))
                if found
                else None
            ),
        }


def findings(classes: dict[str, dict[str, Any]]) -> list[Finding]:
    """Classes whose volume depends on which way round the scan is.

    Args:
      classes: what `MirrorSpread.numbers` says of each.
    """
    found = []
    for name, of_class in classes.items():
        variation = of_class["coefficient_of_variation"]
        if variation is not None and variation > _LARGEST_VARIATION:
            first, second = of_class["volumes_mm3"]
            text = (
                f"the volume of {name} is {first:.0f} mm³, and {second:.0f} mm³ of the "
                f"mirror image: a variation of {100 * variation:.1f}%; up to "
                f"{100 * _LARGEST_VARIATION:.1f}% is usual."
            )
            found.append(
                Finding(f"spread: {name}", variation, [0, _LARGEST_VARIATION], text)
            )
    return found


def _variation(first: int, second: int) -> float:
    """Standard deviation of two numbers over their mean."""
    return digits(np.sqrt(2) * abs(first - second) / (first + second))
