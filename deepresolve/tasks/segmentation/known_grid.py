"""The grid that a network knows: scans are brought to it, label maps back from it.

A network that learned from pixels of 0.5 mm takes cartilage of 0.3 mm pixels for
something that is nearly twice as thick. So a scan whose spacing or plane lies outside
what the training scans had is resampled to the nearest that they had.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import numpy as np
from nibabel import orientations

from deepresolve.imaging import regridding
from deepresolve.imaging.volume import Volume
from deepresolve.runs.training_set import TrainingSet

# Beyond the range of the training scans, as a share; less is rounding, and what any
# network bears.
_TOLERANCE = 0.1

Range = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class KnownGrid:
    """What the training scans were like.

    Attributes:
      planes: of their slices, the most frequent first.
      in_plane_mm: lowest and highest distance of rows and of columns.
      slice_spacing_mm: lowest and highest distance of slices.
    """

    planes: tuple[str, ...]
    in_plane_mm: Range
    slice_spacing_mm: Range

    @classmethod
    def of(cls, trained: TrainingSet | None) -> KnownGrid | None:
        """Of a run; None where nobody wrote down what it was trained on."""
        seen = trained.inputs(None) if trained else ()
        if not seen:
            return None
        pixels_mm = [mm for scan in seen for mm in scan.in_plane_mm]
        slices_mm = [scan.slice_spacing_mm for scan in seen]
        planes = Counter(scan.plane for scan in seen)
        return cls(
            tuple(plane for plane, _ in planes.most_common()),
            (min(pixels_mm), max(pixels_mm)),
            (min(slices_mm), max(slices_mm)),
        )

    def wanted_mm(self, spacing_mm: tuple[float, float, float]) -> list[float]:
        """The nearest spacing that it knows, of rows, columns and slices."""
        known = (self.in_plane_mm, self.in_plane_mm, self.slice_spacing_mm)
        return [_nearest(mm, of) for mm, of in zip(spacing_mm, known, strict=True)]


@dataclasses.dataclass(frozen=True, eq=False)
class Placed:
    """A scan on the grid of a network.

    Attributes:
      scan: canonical, as it came.
      turned: the same, its axes as the network knows them: rows, columns, slices.
      shape: voxels of the network's grid.
    """

    scan: Volume
    turned: Volume
    shape: tuple[int, ...]

    @classmethod
    def of(cls, scan: Volume, known: KnownGrid | None) -> Placed:
        """Where a canonical scan comes to lie; None: where it is."""
        if known is None:
            return cls(scan, scan, scan.shape)
        turned = scan if scan.plane in known.planes else scan.in_plane(known.planes[0])
        wanted_mm = known.wanted_mm(turned.spacing_mm)
        shape = tuple(
            num if mm == wanted else regridding.num_voxels(num, mm, wanted)
            for num, mm, wanted in zip(
                turned.shape, turned.spacing_mm, wanted_mm, strict=True
            )
        )
        return cls(scan, turned, shape)

    @property
    def is_turned(self) -> bool:
        """Whether the network takes another axis for the slices."""
        return self.turned is not self.scan

    @property
    def is_resampled(self) -> bool:
        """Whether the scan is given to the network as anything but what it is."""
        return self.is_turned or self.shape != self.scan.shape

    @property
    def slice_axis(self) -> int:
        """The axis of the canonical scan that is slices to the network."""
        own, turned = (
            orientations.io_orientation(volume.affine)[:, 0]
            for volume in (self.scan, self.turned)
        )
        return int(np.flatnonzero(own == turned[2])[0])

    def there(self, array: np.ndarray) -> np.ndarray:
        """Voxels of the scan on the network's grid, float32.

        Args:
          array: of `scan.shape`, in whatever unit.
        """
        if not self.is_resampled:
            return np.asarray(array, np.float32)
        turned = self._turned(array)
        return regridding.resample_image(turned.array, self.shape)

    def back(self, probabilities: np.ndarray) -> np.ndarray:
        """What the network found, on the grid of the scan.

        Args:
          probabilities: (*shape, classes) float32.

        Returns:
          (*scan.shape, classes) float32.
        """
        if not self.is_resampled:
            return probabilities
        num = probabilities.shape[-1]
        result = np.empty((*self.scan.shape, num), np.float32)
        for channel in range(num):
            of_class = regridding.resample_probabilities(
                probabilities[..., channel], self.turned.shape
            )
            if self.is_turned:
                of_class = self.turned.with_array(of_class).restore().array
            result[..., channel] = of_class
        return result

    @property
    def seen(self) -> Volume:
        """The scan as far as the network can see it: coarser where it knows no finer.

        Where the network's grid is the finer one, nothing is gained by it.
        """
        shape = tuple(map(min, self.shape, self.turned.shape))
        array = regridding.resample_image(self.turned.array, shape)
        return self.turned.resampled(array)

    def to_dict(self) -> dict[str, Any]:
        """What was done, as JSON values."""
        spacing_mm = np.multiply(
            self.turned.spacing_mm, np.divide(self.turned.shape, self.shape)
        )
        return {
            "resampled": self.is_resampled,
            "plane": self.turned.plane,
            "scan_mm": [round(mm, 4) for mm in self.turned.spacing_mm],
            "network_mm": [round(mm, 4) for mm in spacing_mm.tolist()],
        }

    def _turned(self, array: np.ndarray) -> Volume:
        scan = self.scan.with_array(array)
        return scan.in_plane(self.turned.plane) if self.is_turned else scan


def _nearest(spacing_mm: float, known: Range) -> float:
    lowest, highest = known
    if lowest / (1 + _TOLERANCE) <= spacing_mm <= highest * (1 + _TOLERANCE):
        return spacing_mm
    return min(max(spacing_mm, lowest), highest)
