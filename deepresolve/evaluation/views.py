"""What figures show: one slice of every image set in an anatomical plane."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from nibabel import orientations
from scipy import ndimage

from deepresolve.evaluation.results import Example
from deepresolve.imaging.volume import PLANES, Volume

_OPPOSITE = dict(zip("LRAPSI", "RLPAIS", strict=True))


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """One slice of every image set, in one anatomical plane.

    Attributes:
      plane: "coronal", "axial" or "sagittal".
      images: name of image set to (rows, columns) pixels, drawn from the top left.
      reference: (rows, columns) class numbers; None without labels.
      label_maps: likewise, as segmented, by name of image set.
      pixel_mm: distance between rows and between columns, in mm.
      edges: anatomical letters of the top, right, bottom and left edge.
      slice_number: which slice of the plane, from 1, and how many there are.
    """

    plane: str
    images: Mapping[str, np.ndarray]
    reference: np.ndarray | None
    label_maps: Mapping[str, np.ndarray]
    pixel_mm: tuple[float, float]
    edges: tuple[str, str, str, str]
    slice_number: tuple[int, int]

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width in mm."""
        rows, columns = self.images["ground_truth"].shape
        return rows * self.pixel_mm[0], columns * self.pixel_mm[1]

    def error(self, image_set: str) -> np.ndarray:
        """Absolute difference from the ground truth."""
        return np.abs(self.images[image_set] - self.images["ground_truth"])

    def crop(self, region: tuple[slice, slice]) -> View:
        """A part of the slice: (rows, columns)."""
        return dataclasses.replace(
            self,
            images={name: pixels[region] for name, pixels in self.images.items()},
            reference=None if self.reference is None else self.reference[region],
            label_maps={name: p[region] for name, p in self.label_maps.items()},
        )


def view(example: Example, plane: str, index: int) -> View:
    """One slice of one plane; `index` counts from 0 as `fullest_slice` does."""

    def pixels(volume: Volume) -> np.ndarray:
        return in_plane(volume, plane).array[:, :, index]

    truth = in_plane(example.ground_truth, plane)
    down, right, _ = truth.orientation
    return View(
        plane,
        {name: pixels(volume) for name, volume in example.images.items()},
        None if example.reference is None else pixels(example.reference),
        {name: pixels(volume) for name, volume in example.label_maps.items()},
        truth.spacing_mm[:2],
        (_OPPOSITE[down], right, down, _OPPOSITE[right]),
        (index + 1, truth.num_slices),
    )


def in_plane(volume: Volume, plane: str) -> Volume:
    """The same voxels as array[row, column, slice] of another anatomical plane."""
    world_axes = orientations.io_orientation(volume.affine)[:, 0].astype(int)
    slice_axis = int(np.flatnonzero(world_axes == PLANES.index(plane))[0])
    return dataclasses.replace(
        volume, slice_axis=slice_axis, to_source=None
    ).canonical()


def tci_error(example: Example) -> Volume:
    """Squared error of TCI: it has hardly any on an acquired slice."""
    truth = example.ground_truth
    return truth.with_array(np.square(truth.array - example.images["tci"].array))


def interest(example: Example) -> Volume:
    """Where to look, without a network having a say.

    Returns:
      The reference's tissues as ones; without any, the squared error of TCI; without
      TCI, zeros.
    """
    if example.reference is not None and example.reference.array.any():
        tissue = example.reference.array > 0
        return example.reference.with_array(tissue.astype(np.float32))
    if "tci" in example.images:
        return tci_error(example)
    truth = example.ground_truth
    return truth.with_array(np.zeros(truth.shape, np.float32))


def fullest_slice(weights: Volume, plane: str, *, middle_only: bool = False) -> int:
    """The slice of a plane with the largest sum of weights.

    Args:
      weights: 0 or above.
      plane: anatomical plane of the slices.
      middle_only: look at the plane's middle quarter alone, on which the scan was
        centred.

    Returns:
      Its index; the middle slice where all weights looked at are 0.
    """
    sums = _slice_sums(weights, plane)
    margin = 3 * sums.size // 8 if middle_only else 0
    looked_at = sums[margin : sums.size - margin]
    return margin + int(np.argmax(looked_at)) if looked_at.any() else sums.size // 2


def central_slice(weights: Volume, plane: str) -> int:
    """The slice of a plane through the weights' centre of mass; the middle if all 0."""
    sums = _slice_sums(weights, plane)
    if not sums.any():
        return sums.size // 2
    return round(float(np.average(np.arange(sums.size), weights=sums)))


def _slice_sums(weights: Volume, plane: str) -> np.ndarray:
    return in_plane(weights, plane).array.sum(axis=(0, 1), dtype=np.float64)


def fullest_window(weights: np.ndarray, shape: tuple[int, int]) -> tuple[slice, slice]:
    """The window of a slice with the largest sum of weights.

    Many windows may hold the same few weights: the one that is found is moved so that
    what it holds is in its middle, as far as the slice goes.

    Args:
      weights: (rows, columns), 0 or above.
      shape: rows and columns of the window; cut to those of the slice.

    Returns:
      Its (rows, columns).
    """
    sizes = np.minimum(shape, weights.shape)
    # uniform_filter centres its window on a pixel: first = pixel - size // 2.
    sums = ndimage.uniform_filter(weights.astype(np.float64), sizes, mode="constant")
    middle = np.array(np.unravel_index(np.argmax(sums), sums.shape))
    window = _window(middle - sizes // 2, sizes, weights.shape)
    held = np.argwhere(weights[window])
    if held.size:
        middle = np.array([w.start for w in window]) + held.min(0) + np.ptp(held, 0) / 2
        window = _window(np.rint(middle - (sizes - 1) / 2), sizes, weights.shape)
    return window


def _window(first, sizes, shape) -> tuple[slice, slice]:
    """So many pixels from `first` on, moved to lie within the slice."""
    starts = np.clip(first, 0, np.subtract(shape, sizes)).astype(int)
    return tuple(
        slice(int(start), int(start + size))
        for start, size in zip(starts, sizes, strict=True)
    )


def box_around(
    weights: np.ndarray, pixel_mm: tuple[float, float], margin_mm: float
) -> tuple[slice, slice]:
    """The (rows, columns) that hold all weights and a margin; all where there are none.

    Args:
      weights: (rows, columns), 0 or above.
      pixel_mm: distance between rows and between columns.
      margin_mm: how much more to show on each side.
    """
    box = []
    for axis, (size, mm) in enumerate(zip(weights.shape, pixel_mm, strict=True)):
        occupied = np.flatnonzero(weights.any(axis=1 - axis))
        if occupied.size == 0:
            return slice(0, weights.shape[0]), slice(0, weights.shape[1])
        margin = round(margin_mm / mm)
        first = max(int(occupied[0]) - margin, 0)
        box.append(slice(first, min(int(occupied[-1]) + margin + 1, size)))
    return tuple(box)
