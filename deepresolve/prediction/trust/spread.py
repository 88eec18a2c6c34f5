"""How much a prediction changes where nothing should: when its input is mirrored.

A network that has understood an image says the same of its mirror image. Where it does
not, it is unsure. Small spread is no proof: all passes can share one mistake.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from deepresolve.imaging import floor
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume
from deepresolve.metrics import rounding
from deepresolve.prediction.trust.flags import Flag, digits
from deepresolve.tasks.super_resolution.super_resolver import SuperResolver

NOT_MEASURED = {
    "measured": False,
    "how": "--spread=report (--spread=volume also writes it for each voxel)",
}
SAME_IMAGE = {
    "measured": False,
    "why": "the network sees one sagittal slice at a time: mirrored, they are the same",
}

# Twice the 1.9% by which cartilage volumes of the best systems vary from one visit to
# the next (root mean square coefficient of variation, IWOAI 2019 challenge); ours.
_LARGEST_VARIATION = 0.038

_ROWS, _COLUMNS = 0, 1


def of_super_resolution(
    resolver: SuperResolver, scan: Volume, factor: int, thin: Volume
) -> tuple[dict[str, Any], Volume]:
    """Takes a scan through the network twice more, its slices mirrored.

    Once upside down and once left for right, as drawn: in the plane, where a mirrored
    knee still has its acquired slices where they were.

    Args:
      resolver: the network.
      scan: the thick slices.
      factor: thin slices per thick slice spacing.
      thin: what became of them, float32, in the axes of `scan`.

    Returns:
      Numbers as JSON values, and the standard deviation over the three passes in each
      voxel, in scan units, on the grid of `thin`.
    """
    canonical, first = scan.canonical(), thin.canonical()
    scale = estimate_scale(canonical.array)
    scaled = dataclasses.replace(canonical, array=scale.apply(canonical.array))
    interpolated = interpolate(scaled, factor).array
    lowest = scale.apply(np.min(canonical.array))
    # Sums over the differences from the first pass, which itself adds nothing to them.
    total, squares = np.zeros((2, *first.shape), np.float32)
    for axis in (_ROWS, _COLUMNS):
        mirrored = resolver.enhance(np.flip(interpolated, axis), progress=True)
        held = floor.hold(np.flip(mirrored, axis), lowest)  # as `thin` is
        difference = held - scale.apply(first.array)
        total += difference
        squares += np.square(difference, out=difference)
    squares -= np.square(total, out=total) / 3
    deviation = np.sqrt(np.maximum(squares, 0, out=squares) / 2)
    numbers = {
        "measured": True,
        "over": "3 passes: as it is, rows reversed, columns reversed",
        "unit": "standard deviation, share of the intensity range",
        "mean": digits(deviation.mean(dtype=np.float64)),
        "percentile_99": digits(np.percentile(deviation, 99)),
        "largest": digits(deviation.max()),
    }
    volume = first.with_array(deviation * np.float32(scale.high - scale.low))
    return numbers, volume if scan.to_source is not None else volume.restore()


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


def flags(numbers: dict[str, Any]) -> list[Flag]:
    """Classes whose volume depends on which way round the scan is."""
    found = []
    for name, of_class in numbers.get("classes", {}).items():
        variation = of_class["coefficient_of_variation"]
        if variation is not None and variation > _LARGEST_VARIATION:
            first, second = of_class["volumes_mm3"]
            text = (
                f"the volume of {name} is {first:.0f} mm³, and {second:.0f} mm³ of the "
                f"mirror image: a variation of {100 * variation:.1f}%; up to "
                f"{100 * _LARGEST_VARIATION:.1f}% is usual."
            )
            found.append(
                Flag(f"spread: {name}", variation, [0, _LARGEST_VARIATION], text)
            )
    return found


def _variation(first: int, second: int) -> float:
    """Standard deviation of two numbers over their mean."""
    return digits(np.sqrt(2) * abs(first - second) / (first + second))
