"""What figures show: one slice of every image set in an anatomical plane."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from deepresolve.evaluation.table_1.results import Example, Results
from deepresolve.imaging.volume import Volume
from deepresolve.reports import drawing
from deepresolve.reports.cuts import edge_letters


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """One slice of every image set, in one anatomical plane.

    Attributes:
      plane: "coronal", "axial" or "sagittal".
      images: name of image set to (rows, columns) pixels, drawn from the top left.
      reference: (rows, columns) class numbers; None without labels.
      label_maps: (rows, columns) class numbers as segmented, by name of image set.
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
        return volume.in_plane(plane).array[:, :, index]

    truth = example.ground_truth.in_plane(plane)
    return View(
        plane,
        {name: pixels(volume) for name, volume in example.images.items()},
        None if example.reference is None else pixels(example.reference),
        {name: pixels(volume) for name, volume in example.label_maps.items()},
        truth.spacing_mm[:2],
        edge_letters(truth.orientation),
        (index + 1, truth.num_slices),
    )


def window(views: Sequence[View]) -> tuple[float, float]:
    """Black and white of grey panels, from the ground truth's slices alone."""
    return drawing.window([shown.images["ground_truth"] for shown in views])


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


def thickening(results: Results) -> str:
    """What was done to the example, in words."""
    truth, factor = results.example.ground_truth, results.plan.downsample_factor
    text = f"{results.example.subject}: {truth.plane} slices"
    if factor is None:
        return f"{text} every {truth.slice_spacing_mm:.2f} mm"
    return (
        f"{text} every {truth.slice_spacing_mm * factor:.2f} mm, brought back to "
        f"{truth.slice_spacing_mm:.2f} mm (factor {factor})"
    )
