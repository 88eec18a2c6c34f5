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
    try:
        image = nib.load(path)
    except (OSError, nib.filebasedimages.ImageFileError) as error:
        raise SystemExit(f"{path}: {error}") from None
    own = orientations.io_orientation(image.affine)
    codes = CANONICAL[int(own[slice_axis(image), 0])]
    canonical = orientations.ornt_transform(own, orientations.axcodes2ornt(codes))
    return image.as_reoriented(canonical), orientations.aff2axcodes(image.affine)


def slice_axis(image: nib.Nifti1Image) -> int:
    """The axis that the header names, or of the one clearly largest spacing; or 2."""
    named = image.header.get_dim_info()[2]
    if named is not None:
        return named
    spacing_mm = nib.affines.voxel_sizes(image.affine)
    largest = int(np.argmax(spacing_mm))
    others = np.delete(spacing_mm, largest)
    return largest if spacing_mm[largest] > 1.01 * others.max() else 2


def request_array(scan: nib.Nifti1Image) -> np.ndarray:
    """(1, rows, columns, slices) float32, in the scan's own intensity units."""
    voxels = scan.get_fdata(dtype=np.float32)
    return voxels.reshape(scan.shape[:3])[np.newaxis]


def add_flags(parser) -> None:
    """What a network of views (sr_views) is to be told of a scan beside its voxels."""
    parser.add_argument("--views", action="store_true", help="it is one of views")
    parser.add_argument(
        "--slice_thickness_mm", type=float, help="by default their spacing"
    )
    parser.add_argument(
        "--phase_encoded", action="store_true", help="the scan is of a 3D sequence"
    )


def inputs(scan: nib.Nifti1Image, arguments) -> dict[str, np.ndarray]:
    """What a request holds, by name.

    Args:
      scan: as from `load`.
      arguments: with the values of `add_flags`.
    """
    voxels = request_array(scan)
    if not arguments.views:
        return {"scan": voxels}
    spacing_mm = nib.affines.voxel_sizes(scan.affine).astype(np.float32)
    return {
        "thick": voxels,
        "spacing_mm": spacing_mm,
        "slice_thickness_mm": np.float32(arguments.slice_thickness_mm or spacing_mm[2]),
        "phase_encoded": np.bool_(arguments.phase_encoded),
    }


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
    result.header.set_dim_info(slice=2)
    back = orientations.ornt_transform(
        orientations.io_orientation(affine), orientations.axcodes2ornt(codes)
    )
    nib.save(result.as_reoriented(back), path)
