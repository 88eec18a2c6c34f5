"""Surfaces of labelled tissues, finer than voxels.

A label map knows a surface to a voxel. Distances to it, inside and outside, vary more
smoothly than the labels do: their zero lies half-way between the voxels on both sides,
and smoothing takes the stair-steps from it. A ball of radius R becomes smaller by
about the square of the smoothing over R: 0.01 mm at 20 mm.

Probabilities know it better: it lies where the tissue's crosses one half, between
voxels. What tissue a voxel is the label map says; probabilities move its surface by no
more than a voxel and a half, so that what they say far away, of a speck that the label
map has lost or of a hole that it has filled, makes none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from skimage import measure

from deepresolve.quantification import fronts
from deepresolve.quantification.near_distances import distances_mm

# Of voxels, along each axis: enough to take the steps of a label map away; surfaces
# between voxels have smaller ones.
SMOOTH_VOXELS, SMOOTH_BETWEEN_VOXELS = 1.0, 0.7
# Five standard deviations of the smoothing, and what a surface and its normals are
# interpolated from: what lies further off, in the longest sides of voxels, moves none.
NEAR_VOXELS = 8.0


class Surface(NamedTuple):
    """A mesh of triangles.

    Attributes:
      vertices: (n, 3) float64, in mm along the axes of the array: index x spacing.
      faces: (m, 3) int, vertices of each triangle.
      normals: (n, 3) float64 of length 1, out of what it encloses.
      areas_mm2: (n,) float64, what belongs to each vertex, a third of its triangles.
    """

    vertices: np.ndarray
    faces: np.ndarray
    normals: np.ndarray
    areas_mm2: np.ndarray

    def part(self, kept: np.ndarray) -> Surface:
        """The vertices that are kept, and the triangles that lose none of theirs.

        Each vertex keeps its area: what a triangle at the edge of a part takes away
        here it adds there.

        Args:
          kept: (n,) bool.
        """
        number = np.cumsum(kept) - 1
        faces = number[self.faces[kept[self.faces].all(axis=1)]]
        return Surface(
            self.vertices[kept], faces, self.normals[kept], self.areas_mm2[kept]
        )

    def turned(self, axes: np.ndarray) -> Surface:
        """Along other axes of the same origin.

        Args:
          axes: (3, 3), a unit vector each row, at right angles to each other.
        """
        return self._replace(
            vertices=self.vertices @ axes.T, normals=self.normals @ axes.T
        )

    def mirrored(self, axis: int, size_mm: float) -> Surface:
        """The other way round along an axis, on an array of that size."""
        vertices, normals = self.vertices.copy(), self.normals.copy()
        vertices[:, axis] = size_mm - vertices[:, axis]
        normals[:, axis] *= -1
        return Surface(vertices, self.faces[:, ::-1], normals, self.areas_mm2)


def signed_mm(
    mask: np.ndarray,
    spacing_mm: tuple[float, ...],
    excess: np.ndarray | None = None,
    beyond_voxels: int = 0,
    reach_mm: float | None = None,
) -> np.ndarray:
    """Distance to the surface of a mask, negative inside: float32.

    Beyond the array the surface goes on as straight as it ends, whichever way it runs.

    Args:
      mask: (I, J, K) bool, with voxels inside and outside.
      spacing_mm: of the voxels.
      excess: (I, J, K) float, by how much the probability of being inside is above the
        one at which the surface lies; None: the mask is all that is known.
      beyond_voxels: how many voxels the result has beyond each end of the array.
      reach_mm: where the mask is all that is known, distances beyond it may be told as
        it, which is several times faster, and have no direction; None: all are told.

    Raises:
      ValueError: the mask is full or empty, or probabilities leave it so.
    """
    if mask.all() or not mask.any():
        raise ValueError("A mask that is full or empty has no surface.")
    smooth_voxels = SMOOTH_VOXELS if excess is None else SMOOTH_BETWEEN_VOXELS
    if excess is None:
        field = _apart_mm(mask, spacing_mm, reach_mm) - _apart_mm(
            ~mask, spacing_mm, reach_mm
        )
    else:
        field = fronts.signed_mm(_near(mask, excess), spacing_mm)
    if beyond_voxels:
        field = np.pad(field, beyond_voxels, "reflect", reflect_type="odd")
    return ndimage.gaussian_filter(field, smooth_voxels)


def _apart_mm(
    mask: np.ndarray, spacing_mm: tuple[float, ...], reach_mm: float | None
) -> np.ndarray:
    """From each voxel to the nearest one of a mask: float32."""
    if reach_mm is not None:
        return distances_mm(mask, spacing_mm, reach_mm)
    return ndimage.distance_transform_edt(~mask, spacing_mm).astype(np.float32)


def _near(mask: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """A probability's excess beside the surface of a mask; elsewhere the mask's own."""
    beside = np.ones((3, 3, 3), bool)
    either = ndimage.binary_dilation(mask, beside)
    either &= ~ndimage.binary_erosion(mask, beside, border_value=1)
    of_mask = np.where(mask, np.float32(0.5), np.float32(-0.5))
    return np.where(either, excess, of_mask).astype(np.float32)


def surface(field: np.ndarray, spacing_mm: tuple[float, ...]) -> Surface:
    """Where a field that is negative inside is zero.

    Args:
      field: (I, J, K) float, such as `signed_mm` gives.
      spacing_mm: of the voxels.

    Raises:
      ValueError: it is nowhere negative, or nowhere positive.
    """
    if not field.min() < 0 < field.max():
        raise ValueError("It is too thin to have a surface, or has none outside.")
    vertices, faces, _, _ = measure.marching_cubes(
        field, 0.0, spacing=spacing_mm, gradient_direction="descent"
    )
    vertices = vertices.astype(np.float64)
    normals = gradient(field, vertices, spacing_mm)
    return Surface(vertices, faces, normals, _areas_mm2(vertices, faces))


def _areas_mm2(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    corners = vertices[faces]
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    thirds = np.linalg.norm(crossed, axis=1) / 6
    return np.bincount(faces.ravel(), np.repeat(thirds, 3), minlength=len(vertices))


def gradient(
    field: np.ndarray, points_mm: np.ndarray, spacing_mm: tuple[float, ...]
) -> np.ndarray:
    """Direction in which a field grows fastest: (n, 3) float64 of length 1.

    Args:
      field: (I, J, K) float.
      points_mm: (n, 3), along the axes of the array.
      spacing_mm: of the voxels.
    """
    steps = np.gradient(field, *spacing_mm)
    found = np.stack([sample(step, points_mm, spacing_mm) for step in steps], axis=-1)
    length = np.linalg.norm(found, axis=-1, keepdims=True)
    return found / np.maximum(length, np.finfo(np.float64).tiny)


def sample(
    field: np.ndarray, points_mm: np.ndarray, spacing_mm: tuple[float, ...]
) -> np.ndarray:
    """Values of a field between its voxels: (...) float64.

    Args:
      field: (I, J, K) float.
      points_mm: (..., 3), along the axes of the array; beyond its outermost voxels
        values are as there.
      spacing_mm: of the voxels.
    """
    at = np.moveaxis(points_mm / spacing_mm, -1, 0)
    return ndimage.map_coordinates(field, at, np.float64, order=1, mode="nearest")
