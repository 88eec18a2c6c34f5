"""What the clients do with a scan: to the axes that the model knows, and back."""

from __future__ import annotations

import nibabel as nib
import numpy as np
from nibabel import orientations

# By the world axis (x, y, z) across the slices: sagittal, coronal, axial.
CANONICAL = ("IPL", "ILP", "PLS")


def load(path: str) -> tuple[nib.Nifti1Image, tuple[str, ...]]:
    """Reads a NIfTI file.

    Returns:
      The scan in canonical axes, slices last, and the axis codes that it had.
    """
    image = nib.load(path)
    own = orientations.io_orientation(image.affine)
    codes = CANONICAL[int(own[slice_axis(image.header.get_zooms()[:3]), 0])]
    canonical = orientations.ornt_transform(own, orientations.axcodes2ornt(codes))
    return image.as_reoriented(canonical), orientations.aff2axcodes(image.affine)


def slice_axis(spacing_mm) -> int:
    """The axis of the one clearly largest spacing, else the last."""
    largest = int(np.argmax(spacing_mm))
    others = np.delete(spacing_mm, largest)
    return largest if spacing_mm[largest] > 1.01 * others.max() else 2


def request_array(scan: nib.Nifti1Image) -> np.ndarray:
    """(1, rows, columns, slices) float32, in the scan's own intensity units."""
    return np.asarray(scan.dataobj, np.float32)[np.newaxis]


def save(path: str, array: np.ndarray, scan: nib.Nifti1Image, codes) -> None:
    """Writes what came back, in the axes that the scan had.

    Args:
      path: a NIfTI file.
      array: (rows, columns, slices or more): more lie between the scan's.
      scan: as from `load`.
      codes: likewise.
    """
    affine = scan.affine.copy()
    if array.shape[2] > 1:
        affine[:3, 2] *= (scan.shape[2] - 1) / (array.shape[2] - 1)
    result = nib.Nifti1Image(array, affine)
    back = orientations.ornt_transform(
        orientations.io_orientation(affine), orientations.axcodes2ornt(codes)
    )
    nib.save(result.as_reoriented(back), path)
