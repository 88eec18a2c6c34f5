"""A scan: voxels, where they lie in the patient, and the facts of its slices.

This is the only module that computes an affine. World coordinates are nibabel's:
millimetres; x grows to the patient's right, y to anterior, z to superior ("RAS+").
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np
import numpy.typing as npt
from nibabel import orientations

from deepresolve.imaging import spaces
from deepresolve.imaging.anatomy import CANONICAL_ORIENTATION, PLANES, SIDES

# Two spacings closer than this share are one: scanners round what they write.
_SPACING_TOLERANCE = 0.01

# How slices were told apart: by a pulse that excites one at a time, or by phase
# encoding of a slab. DICOM's MRAcquisitionType (PS3.3 C.8.3.1).
SLICE_ENCODINGS = ("2D", "3D")

# Less than this share of the spacing between two slices is rounding, not a gap.
_GAP_TOLERANCE = 0.05


@dataclasses.dataclass(frozen=True, eq=False)
class Volume:
    """One 3D scan or label map.

    Attributes:
      array: (i, j, k) voxels, any real dtype.
      affine: (4, 4) float64; takes voxel indices (i, j, k) to RAS+ millimetres.
      slice_axis: the axis along which slices were stacked: 0, 1 or 2.
      slice_thickness_mm: thickness of an acquired slice in mm, None where unknown.
        Less than the slice spacing where there are gaps between slices.
      to_source: (3, 2) nibabel orientation transform that `restore` applies; None
        where the axes already are the scan's own.
      space: what the affine's millimetres are those of; one of `spaces.SPACES`.
        "unknown" where the scan's file does not say how it lies in the patient.
      other_form: the second affine of the scan's NIfTI header, None where it has one.
      slice_encoding: "2D" of slices that were excited one at a time, "3D" of a slab
        that was phase-encoded along the slice axis, None where unknown. It shapes the
        slice profile.
      side: "left" or "right", of the body, where the scan's header says it; else
        "unknown".

    Raises:
      ValueError: the array is not 3D or is empty, the affine is not a finite and
        invertible (4, 4) matrix, or there is no such slice axis, encoding or side.
    """

    array: np.ndarray
    affine: np.ndarray
    slice_axis: int = 2
    slice_thickness_mm: float | None = None
    to_source: np.ndarray | None = None
    space: str = "scanner"
    other_form: spaces.OtherForm | None = None
    slice_encoding: str | None = None
    side: str = "unknown"

    def __post_init__(self) -> None:
        array = np.asanyarray(self.array)
        affine = np.asarray(self.affine, dtype=np.float64)
        if array.ndim != 3 or 0 in array.shape:
            raise ValueError(
                f"A volume has three axes with at least one voxel each; got shape "
                f"{array.shape}."
            )
        if affine.shape != (4, 4) or not np.all(np.isfinite(affine)):
            raise ValueError(
                f"An affine is a finite (4, 4) matrix; got {affine.tolist()}."
            )
        if abs(np.linalg.det(affine[:3, :3])) < 1e-12:
            raise ValueError(
                f"The affine must be invertible, with a spacing above 0 mm along each "
                f"axis; got {affine.tolist()}."
            )
        if self.slice_axis not in (0, 1, 2):
            raise ValueError(f"slice_axis must be 0, 1 or 2; got {self.slice_axis}.")
        if self.slice_encoding not in (None, *SLICE_ENCODINGS):
            raise ValueError(
                f"slice_encoding must be 2D, 3D or None; got {self.slice_encoding!r}."
            )
        if self.side not in SIDES:
            raise ValueError(f"side must be left, right or unknown; got {self.side!r}.")
        spaces.check(self.space)
        object.__setattr__(self, "array", array)
        object.__setattr__(self, "affine", affine)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along (i, j, k)."""
        return self.array.shape

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along (i, j, k), in mm."""
        i, j, k = map(float, nib.affines.voxel_sizes(self.affine))
        return i, j, k

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel; gaps between slices count as part of it.

        The affine's determinant, not the product of the spacings: slices may step
        sideways.
        """
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def orientation(self) -> str:
        """Where each index grows to, as nibabel's axis codes: "PIR", "RAS", ..."""
        return "".join(orientations.aff2axcodes(self.affine))

    @property
    def plane(self) -> str:
        """The anatomical plane that the slices lie nearest to; one of `PLANES`."""
        world_axis = orientations.io_orientation(self.affine)[self.slice_axis, 0]
        return PLANES[int(world_axis)]

    @property
    def num_slices(self) -> int:
        """Number of slices along the slice axis."""
        return self.shape[self.slice_axis]

    @property
    def slice_spacing_mm(self) -> float:
        """Distance between the centres of neighbouring slices, in mm."""
        return self.spacing_mm[self.slice_axis]

    @property
    def has_gaps(self) -> bool:
        """Whether slices are known to be thinner than they are apart."""
        thickness_mm = self.slice_thickness_mm
        return thickness_mm is not None and (
            thickness_mm < (1 - _GAP_TOLERANCE) * self.slice_spacing_mm
        )

    def with_array(self, array: np.ndarray) -> Volume:
        """The same grid with other voxels, e.g. a mask.

        Raises:
          ValueError: the shape differs from this volume's.
        """
        if np.shape(array) != self.shape:
            raise ValueError(
                f"Expected voxels of shape {self.shape}; got {np.shape(array)}. "
                "A change of grid goes through `resliced` or `crop`."
            )
        return dataclasses.replace(self, array=array)

    def canonical(self) -> Volume:
        """Slice axis last, rows and columns as a radiologist sees that plane.

        Axes are reordered and flipped, never resampled; the result is a view.
        Volumes that already are canonical come back unchanged.
        """
        if self.to_source is not None:
            return self
        own = orientations.io_orientation(self.affine)
        target = orientations.axcodes2ornt(CANONICAL_ORIENTATION[self.plane])
        there = orientations.ornt_transform(own, target)
        back = orientations.ornt_transform(target, own)
        return self._reoriented(there, slice_axis=2, to_source=back)

    def restore(self) -> Volume:
        """Undoes `canonical`: the axes in the order and direction the scan had."""
        if self.to_source is None:
            return self
        slice_axis = int(self.to_source[self.slice_axis, 0])
        return self._reoriented(self.to_source, slice_axis, to_source=None)

    def restored_as(self, scan: Volume) -> Volume:
        """What was computed of `scan.canonical()`, in the axes that `scan` has."""
        return self.restore() if scan.to_source is None else self

    def in_plane(self, plane: str) -> Volume:
        """The same voxels as array[row, column, slice] of another anatomical plane.

        Args:
          plane: "sagittal", "coronal" or "axial".
        """
        world_axes = orientations.io_orientation(self.affine)[:, 0].astype(int)
        slice_axis = int(np.flatnonzero(world_axes == PLANES.index(plane))[0])
        turned = dataclasses.replace(self, slice_axis=slice_axis, to_source=None)
        return turned.canonical()

    def _reoriented(
        self, transform: np.ndarray, slice_axis: int, to_source: np.ndarray | None
    ) -> Volume:
        return self._regridded(
            orientations.apply_orientation(self.array, transform),
            # Takes new voxel indices to old ones.
            orientations.inv_ornt_aff(transform, self.shape),
            slice_axis=slice_axis,
            to_source=to_source,
        )

    def _regridded(
        self, array: np.ndarray, to_old: np.ndarray, **changes: Any
    ) -> Volume:
        """Other voxels; the (4, 4) `to_old` takes their indices to this grid's."""
        other = self.other_form
        return dataclasses.replace(
            self,
            array=array,
            affine=self.affine @ to_old,
            other_form=None if other is None else other.regridded(to_old),
            **changes,
        )

    def resliced(
        self,
        array: np.ndarray,
        *,
        step: float = 1.0,
        first: float = 0.0,
        slice_thickness_mm: float | None = None,
    ) -> Volume:
        """Other slices of the same scan: number n lies at index `first + n * step`.

        Args:
          array: the new voxels; in-plane shape as here, any number of slices.
          step: distance between new slices, in slices of this volume.
          first: where the first new slice lies, in slices of this volume.
          slice_thickness_mm: thickness of the new slices.
        """
        in_plane = [axis for axis in range(3) if axis != self.slice_axis]
        if any(array.shape[axis] != self.shape[axis] for axis in in_plane):
            raise ValueError(
                f"New slices must keep the in-plane shape of {self.shape} (slice axis "
                f"{self.slice_axis}); got {array.shape}."
            )
        to_old = np.eye(4)
        to_old[self.slice_axis, self.slice_axis] = step
        to_old[self.slice_axis, 3] = first
        return self._regridded(array, to_old, slice_thickness_mm=slice_thickness_mm)

    def resampled(self, array: np.ndarray) -> Volume:
        """Other voxels, of any shape, in the same field of view.

        Returns:
          A Volume whose slices are as thick as they were, or as far apart as they are
          now, where that is more.
        """
        steps = np.divide(self.shape, array.shape)
        to_old = np.diag([*steps, 1.0])
        to_old[:3, 3] = (steps - 1) / 2
        thickness_mm = self.slice_thickness_mm
        if thickness_mm is not None:
            step_mm = self.slice_spacing_mm * steps[self.slice_axis]
            thickness_mm = max(thickness_mm, float(step_mm))
        return self._regridded(array, to_old, slice_thickness_mm=thickness_mm)

    def crop(self, region: Sequence[slice]) -> Volume:
        """The voxels of `region`, one step-1 slice an axis, at their own place."""
        bounds = [s.indices(n) for s, n in zip(region, self.shape, strict=True)]
        if any(step != 1 or stop <= start for start, stop, step in bounds):
            raise ValueError(
                f"A crop needs three non-empty slices of step 1; got {region} for "
                f"shape {self.shape}."
            )
        to_old = np.eye(4)
        to_old[:3, 3] = [start for start, _, _ in bounds]
        array = self.array[tuple(slice(start, stop) for start, stop, _ in bounds)]
        return self._regridded(array, to_old)


def default_slice_axis(spacing_mm: Sequence[float]) -> int:
    """The axis of the one clearly largest spacing, else the last axis."""
    largest = int(np.argmax(spacing_mm))
    others = max(s for axis, s in enumerate(spacing_mm) if axis != largest)
    clearly = spacing_mm[largest] > others * (1 + _SPACING_TOLERANCE)
    return largest if clearly else 2


def affine_from_dicom(
    position: npt.ArrayLike,
    slice_step: npt.ArrayLike,
    orientation: npt.ArrayLike,
    pixel_spacing: npt.ArrayLike,
) -> np.ndarray:
    """Affine of slices stacked as array[column, row, slice], from DICOM geometry.

    DICOM's patient axes are LPS+; the affine is RAS+ (DICOM PS3.3 C.7.6.2.1.1).

    Args:
      position: ImagePositionPatient of the first slice, mm, LPS+.
      slice_step: vector from one slice's centre to the next one's, mm, LPS+.
      orientation: ImageOrientationPatient: the direction cosines of a row (along
        which the column index grows) and then of a column, LPS+.
      pixel_spacing: PixelSpacing: mm between rows, then mm between columns.

    Returns:
      (4, 4) float64.
    """
    row_cosine, column_cosine = np.reshape(np.asarray(orientation, float), (2, 3))
    between_rows, between_columns = np.asarray(pixel_spacing, float)
    lps = np.eye(4)
    lps[:3, 0] = row_cosine * between_columns
    lps[:3, 1] = column_cosine * between_rows
    lps[:3, 2] = slice_step
    lps[:3, 3] = position
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def affine_to_dicom(
    affine: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """DICOM geometry of array[column, row, slice]: undoes `affine_from_dicom`.

    Args:
      affine: (4, 4), voxel indices to RAS+ mm.

    Returns:
      position of the first slice (3,), step to the next one (3,), orientation (6,),
      pixel spacing (2,), as `affine_from_dicom` takes them.
    """
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    between_columns, between_rows = np.linalg.norm(lps[:3, :2], axis=0)
    orientation = np.concatenate(
        [lps[:3, 0] / between_columns, lps[:3, 1] / between_rows]
    )
    return (
        lps[:3, 3],
        lps[:3, 2],
        orientation,
        np.array([between_rows, between_columns]),
    )


def affine_from_itk(
    origin: Sequence[float],
    spacing_mm: Sequence[float],
    direction: Sequence[float],
) -> np.ndarray:
    """Affine of array[i, j, k], from the geometry of an ITK image.

    ITK's world is LPS+ as DICOM's is: a voxel lies at origin + direction @ (index *
    spacing).

    Args:
      origin: place of voxel (0, 0, 0), mm, LPS+.
      spacing_mm: distance between voxel centres along each index.
      direction: nine values, row by row; column n is the unit vector along index n.

    Returns:
      (4, 4) float64 to RAS+ mm.
    """
    lps = np.eye(4)
    lps[:3, :3] = np.reshape(direction, (3, 3)) * np.asarray(spacing_mm)
    lps[:3, 3] = origin
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def affine_along_axes(orientation: str, spacing_mm: Sequence[float]) -> np.ndarray:
    """Affine of a scan that lies along the patient's axes, voxel (0, 0, 0) at 0 mm.

    Args:
      orientation: where each index grows to, as nibabel's axis codes: "IPR".
      spacing_mm: distance between voxel centres along each index.

    Returns:
      (4, 4) float64.

    Raises:
      ValueError: the codes do not name each of the three axes once, or a spacing is
        not above 0.
    """
    codes = orientation.upper()
    pairs = ("LR", "PA", "IS")
    if len(codes) != 3 or not all(sum(c in pair for c in codes) == 1 for pair in pairs):
        raise ValueError(
            "An orientation has one letter of each pair L/R, P/A and I/S, such as IPR; "
            f"got {orientation!r}."
        )
    if not all(np.isfinite(spacing_mm)) or min(spacing_mm) <= 0:
        raise ValueError(f"A spacing is above 0 mm along each axis; got {spacing_mm}.")
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for index, (world, sign) in enumerate(orientations.axcodes2ornt(codes)):
        affine[int(world), index] = sign * spacing_mm[index]
    return affine
