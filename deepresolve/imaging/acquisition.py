"""How a scan was acquired, as far as a network notices: what training sets are made of.

    describe(scan)                    a scan as it is
    describe(thicken(scan, 3))        a training scan as a super-resolution sees it

The numbers are few and none of them is a voxel: they say nothing of the patient.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import ndimage

from deepresolve.imaging.anatomy import PLANES
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume

# Of intensities scaled to 0..1; what lies outside counts to the first and last one.
NUM_BINS = 50

# Slices that noise and intensities are measured on, evenly spaced; ours: enough for
# either, and half a second for any scan.
_MEASURED_SLICES = 32

# The difference of two Laplacians, which flat and sloping tissue and straight edges
# leave at 0 (Immerkaer, Comput. Vis. Image Underst. 1996;64:300). Its response to
# noise of standard deviation 1 has that of 6, the root of the sum of its squares.
_DETAIL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_DETAIL_GAIN = 6.0
# Median of the absolute value of a normal variable of standard deviation 1.
_NORMAL_MEDIAN = 0.6745


@dataclasses.dataclass(frozen=True)
class Acquisition:
    """What a network can tell one scan from another by.

    Attributes:
      plane: "sagittal", "coronal" or "axial", which the slices lie nearest to.
      obliqueness_degrees: angle between the slices and that plane.
      in_plane_mm: distance between rows and between columns.
      slice_spacing_mm: distance between the centres of neighbouring slices.
      slice_thickness_mm: None where unknown.
      signal_to_noise: median of the voxels brighter than the mean, over the standard
        deviation of their noise within slices; `inf` where there is no noise.
      histogram: share of the voxels in `NUM_BINS` equal steps of the intensities as a
        network gets them, scaled to 0..1.
    """

    plane: str
    obliqueness_degrees: float
    in_plane_mm: tuple[float, ...]
    slice_spacing_mm: float
    slice_thickness_mm: float | None
    signal_to_noise: float
    histogram: tuple[float, ...]

    @property
    def gap_share(self) -> float | None:
        """Part of the slice spacing that no slice covers; below 0 they overlap."""
        if self.slice_thickness_mm is None:
            return None
        return 1 - self.slice_thickness_mm / self.slice_spacing_mm

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; null for a noise of zero."""
        values = dataclasses.asdict(self)
        if not np.isfinite(self.signal_to_noise):
            values["signal_to_noise"] = None
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Acquisition:
        """Undoes `to_dict`.

        Raises:
          ValueError: a value is missing, or one is there that is not known.
        """
        try:
            read = cls(**values)
            noise, thickness = read.signal_to_noise, read.slice_thickness_mm
            read = dataclasses.replace(
                read,
                obliqueness_degrees=float(read.obliqueness_degrees),
                in_plane_mm=tuple(float(s) for s in read.in_plane_mm),
                slice_spacing_mm=float(read.slice_spacing_mm),
                slice_thickness_mm=None if thickness is None else float(thickness),
                histogram=tuple(float(s) for s in read.histogram),
                signal_to_noise=np.inf if noise is None else float(noise),
            )
        except TypeError as error:
            raise ValueError(f"not the description of a scan ({error})") from error
        if problem := read._problem():
            raise ValueError(f"not the description of a scan ({problem})")
        return read

    def _problem(self) -> str | None:
        lengths_mm = [*self.in_plane_mm, self.slice_spacing_mm]
        if self.slice_thickness_mm is not None:
            lengths_mm.append(self.slice_thickness_mm)
        if self.plane not in PLANES:
            return f"no plane {self.plane!r}"
        if len(self.in_plane_mm) != 2 or not all(0 < s < np.inf for s in lengths_mm):
            return "lengths are two in the plane, and above 0"
        if not 0 <= self.obliqueness_degrees <= 90 or not self.signal_to_noise >= 0:
            return "an angle is 0 to 90 degrees, a signal-to-noise 0 or above"
        if len(self.histogram) != NUM_BINS:
            return f"a histogram of {len(self.histogram)} steps"
        if not all(0 <= share <= 1 for share in self.histogram):
            return "shares of a histogram are 0 to 1"
        return None


def describe(volume: Volume) -> Acquisition:
    """Measures a scan.

    Args:
      volume: in any orientation and intensity unit.

    Raises:
      ValueError: voxels that are not finite or all alike.
    """
    scan = volume.canonical()
    step = -(-scan.num_slices // _MEASURED_SLICES)
    scaled = estimate_scale(scan.array).apply(scan.array[:, :, ::step])
    return Acquisition(
        plane=scan.plane,
        obliqueness_degrees=round(_obliqueness_degrees(scan), 2),
        in_plane_mm=tuple(round(s, 4) for s in scan.spacing_mm[:2]),
        slice_spacing_mm=round(scan.slice_spacing_mm, 4),
        slice_thickness_mm=scan.slice_thickness_mm,
        signal_to_noise=_signal_to_noise(scaled),
        histogram=_histogram(scaled),
    )


def histogram_distance(first: Acquisition, second: Acquisition) -> float:
    """How far the intensities of one must move to become those of the other.

    The first Wasserstein distance of the two histograms: 0 where they are equal, 1
    where one is all dark and the other all bright.
    """
    shares = np.subtract(first.histogram, second.histogram)
    return float(np.abs(np.cumsum(shares))[:-1].sum() / (NUM_BINS - 1))


def _obliqueness_degrees(scan: Volume) -> float:
    """Angle between the slices' normal and the axis of the body nearest to it."""
    normal = np.cross(scan.affine[:3, 0], scan.affine[:3, 1])
    cosine = np.max(np.abs(normal)) / np.linalg.norm(normal)
    return float(np.degrees(np.arccos(min(cosine, 1.0))))


def _signal_to_noise(scaled: np.ndarray) -> float:
    bright = scaled > scaled.mean()
    if not bright.any():  # The slices that are measured on are all alike.
        return np.inf
    # In the plane alone: neither thickness nor interpolated slices change it.
    detail = ndimage.convolve(scaled, _DETAIL[:, :, np.newaxis], mode="nearest")
    noise = np.median(np.abs(detail[bright])) / _NORMAL_MEDIAN / _DETAIL_GAIN
    signal = np.median(scaled[bright])
    return float(f"{signal / noise:.4g}") if noise else np.inf


def _histogram(scaled: np.ndarray) -> tuple[float, ...]:
    bins = np.clip((scaled * NUM_BINS).astype(int), 0, NUM_BINS - 1)
    counts = np.bincount(bins.ravel(), minlength=NUM_BINS)
    return tuple(float(f"{share:.4g}") for share in counts / scaled.size)
