"""The grid that a network knows: scans are brought to it, label maps back from it.

A network that learned from pixels of 0.5 mm takes cartilage of 0.3 mm pixels for
something that is nearly twice as thick. So a scan is brought to the grid that the run
asks for, in training, too; where it asks for none, a scan whose spacing or plane lies
outside what the training scans had is resampled to the nearest that they had.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter

import numpy as np
from nibabel import orientations

from deepresolve.imaging import regridding
from deepresolve.imaging.volume import Volume
from deepresolve.runs.training_set import TrainingSet
from deepresolve.tasks.findings import Finding, Section, digits
from deepresolve.tasks.segmentation.settings import SegmentationConfig

# Beyond the range of the training scans, as a share; less is rounding, and what any
# network bears.
_TOLERANCE = 0.1

# By how much a scan's voxels may be coarser than the network's; ours: the package's
# network learned from voxels that are up to twice as coarse.
_COARSEST = 3.0

Range = tuple[float, float]
_ANY: Range = (0.0, math.inf)
_AS_THEY_ARE = (0.0, 0.0)  # of `SegmentationConfig.grid_mm`


@dataclasses.dataclass(frozen=True)
class KnownGrid:
    """What a network was or is to be trained on.

    Attributes:
      planes: of the slices, the most frequent first; none: whichever.
      in_plane_mm: lowest and highest distance of rows and of columns.
      slice_spacing_mm: lowest and highest distance of slices.
      is_asked: whether the run asks for that grid, whatever its training scans were.
    """

    planes: tuple[str, ...]
    in_plane_mm: Range
    slice_spacing_mm: Range
    is_asked: bool = False

    @classmethod
    def of(
        cls, config: SegmentationConfig, trained: TrainingSet | None = None
    ) -> KnownGrid | None:
        """Of a run; None where it takes scans as they are.

        Args:
          config: of the run.
          trained: what it was trained on; None: not known, or not yet.
        """
        seen = trained.inputs(None) if trained else ()
        planes = Counter(scan.plane for scan in seen)
        known = (config.plane,) if config.plane else _by_number(planes)
        if config.grid_mm != _AS_THEY_ARE:
            pixel_mm, slice_mm = config.grid_mm
            return cls(known, (pixel_mm, pixel_mm), (slice_mm, slice_mm), True)
        if not seen:
            return cls(known, _ANY, _ANY) if known else None
        pixels_mm = [mm for scan in seen for mm in scan.in_plane_mm]
        slices_mm = [scan.slice_spacing_mm for scan in seen]
        return cls(
            known,
            (min(pixels_mm), max(pixels_mm)),
            (min(slices_mm), max(slices_mm)),
        )

    @property
    def request(self) -> str:
        """What a scan must be like that nobody brings to this grid, as a sentence."""
        slices = f"{' or '.join(self.planes)} slices" if self.planes else "slices"
        if self.in_plane_mm == _ANY:
            return f"In {slices}."
        apart, wide = _ends(self.slice_spacing_mm), _ends(self.in_plane_mm)
        return f"In {slices} {apart} mm apart, with pixels of {wide} mm."

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
      is_asked: whether the run asks for that grid.
    """

    scan: Volume
    turned: Volume
    shape: tuple[int, ...]
    is_asked: bool = False

    @classmethod
    def of(cls, scan: Volume, known: KnownGrid | None) -> Placed:
        """Where a canonical scan comes to lie; None: where it is."""
        if known is None:
            return cls(scan, scan, scan.shape)
        turned = scan
        if known.planes and scan.plane not in known.planes:
            turned = scan.in_plane(known.planes[0])
        wanted_mm = known.wanted_mm(turned.spacing_mm)
        shape = tuple(
            num if mm == wanted else regridding.num_voxels(num, mm, wanted)
            for num, mm, wanted in zip(
                turned.shape, turned.spacing_mm, wanted_mm, strict=True
            )
        )
        return cls(scan, turned, shape, known.is_asked)

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

    def labels_there(self, labels: np.ndarray) -> np.ndarray:
        """A label map of the scan on the network's grid, uint8.

        Args:
          labels: of `scan.shape`.
        """
        if not self.is_resampled:
            return np.asarray(labels, np.uint8)
        return regridding.resample_labels(self._turned(labels).array, self.shape)

    @property
    def grid(self) -> Volume:
        """A volume without content on the network's grid."""
        return self.turned.resampled(np.broadcast_to(np.uint8(0), self.shape))

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

        Where the network's grid is the finer one, nothing is gained by it; but a
        network whose grid is asked for saw coarse scans on it in training, too, and
        how thick their slices were no longer counts.
        """
        shape = self.shape
        if not self.is_asked:
            shape = tuple(map(min, self.shape, self.turned.shape))
        seen = self.turned.resampled(
            regridding.resample_image(self.turned.array, shape)
        )
        if self.is_asked:
            return dataclasses.replace(seen, slice_thickness_mm=None)
        return seen

    def section(self) -> Section:
        """Of the report: what was done, and whether it was too much."""
        own_mm = self.turned.spacing_mm
        steps = np.divide(self.turned.shape, self.shape)
        network_mm = np.multiply(own_mm, steps).tolist()
        values = {
            "resampled": self.is_resampled,
            "plane": self.turned.plane,
            "scan_mm": [round(mm, 4) for mm in own_mm],
            "network_mm": [round(mm, 4) for mm in network_mm],
        }
        coarser = max(1 / steps)
        if coarser <= _COARSEST:
            return Section(values)
        voxels = " x ".join(f"{mm:.3g}" for mm in own_mm)
        seen = " x ".join(f"{mm:.3g}" for mm in network_mm)
        text = (
            f"voxels are {voxels} mm; the network sees {seen} mm, made of "
            f"{coarser:.2g} times coarser ones: what is thin may be lost."
        )
        finding = Finding("grid", digits(coarser), [0, _COARSEST], text)
        return Section(values, (finding,))

    def _turned(self, array: np.ndarray) -> Volume:
        scan = self.scan.with_array(array)
        return scan.in_plane(self.turned.plane) if self.is_turned else scan


def _by_number(planes: Counter[str]) -> tuple[str, ...]:
    return tuple(plane for plane, _ in planes.most_common())


def _ends(known: Range) -> str:
    """0.5, or 0.45 to 0.8."""
    low, high = (f"{end:.3g}" for end in known)
    return low if low == high else f"{low} to {high}"


def _nearest(spacing_mm: float, known: Range) -> float:
    lowest, highest = known
    if lowest / (1 + _TOLERANCE) <= spacing_mm <= highest * (1 + _TOLERANCE):
        return spacing_mm
    return min(max(spacing_mm, lowest), highest)
