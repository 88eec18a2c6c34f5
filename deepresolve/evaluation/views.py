"""What the figure shows: one slice of every image set in an anatomical plane."""

from __future__ import annotations

import dataclasses

import numpy as np
from nibabel import orientations

from deepresolve.evaluation.subjects import Example
from deepresolve.imaging.volume import PLANES, Volume

_OPPOSITE = dict(zip("LRAPSI", "RLPAIS", strict=True))


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """One slice of every image set, in one anatomical plane.

    Attributes:
      plane: "coronal", "axial" or "sagittal".
      images: name of image set to (rows, columns) pixels, drawn from the top left.
      pixel_mm: distance between rows and between columns, in mm.
      edges: anatomical letters of the top, right, bottom and left edge.
      slice_number: which slice of the plane, from 1, and how many there are.
    """

    plane: str
    images: dict[str, np.ndarray]
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


def view(example: Example, plane: str) -> View:
    """The slice of one plane on which TCI errs most, in the plane's middle quarter."""
    volumes = {"ground_truth": example.ground_truth, **example.estimates}
    volumes = {name: _in_plane(volume, plane) for name, volume in volumes.items()}
    truth = volumes["ground_truth"]
    index = _worst_slice(truth.array, volumes["tci"].array)
    down, right, _ = truth.orientation
    return View(
        plane,
        {name: volume.array[:, :, index] for name, volume in volumes.items()},
        truth.spacing_mm[:2],
        (_OPPOSITE[down], right, down, _OPPOSITE[right]),
        (index + 1, truth.num_slices),
    )


def _in_plane(volume: Volume, plane: str) -> Volume:
    """The same voxels as array[row, column, slice] of another anatomical plane."""
    world_axes = orientations.io_orientation(volume.affine)[:, 0].astype(int)
    slice_axis = int(np.flatnonzero(world_axes == PLANES.index(plane))[0])
    return dataclasses.replace(
        volume, slice_axis=slice_axis, to_source=None
    ).canonical()


def _worst_slice(truth: np.ndarray, estimate: np.ndarray) -> int:
    """Index, in the middle quarter of the last axis, of the largest squared error.

    The middle, because that is what the scan was centred on; the largest error, because
    TCI has hardly any on an acquired slice.
    """
    num_slices = truth.shape[2]
    margin = 3 * num_slices // 8
    middle = slice(margin, num_slices - margin)
    errors = np.square(truth[:, :, middle] - estimate[:, :, middle]).sum(axis=(0, 1))
    return middle.start + int(np.argmax(errors))
