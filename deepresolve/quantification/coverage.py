"""Which places of a surface have cartilage."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import KDTree

from deepresolve.quantification.surfaces import Surface, sample

# A layer of less than so many voxels along its normal, wherever one looks within so
# many of the longest of their sides, may pass between them: where they show none of it,
# it is there if the two surfaces are half a voxel apart.
_THIN_VOXELS, _AROUND_VOXELS, _LEAST_VOXELS = 1.6, 2.0, 0.5


def meets(
    mask: np.ndarray,
    points_mm: np.ndarray,
    directions: np.ndarray,
    spacing_mm: tuple[float, ...],
) -> np.ndarray:
    """Whether who goes from a point meets the mask within a voxel and a half.

    Args:
      mask: (I, J, K) bool.
      points_mm: (n, 3), in mm from the first voxel.
      directions: (n, 3) of length 1.
      spacing_mm: of the voxels.

    Returns:
      (n,) bool.
    """
    share = mask.astype(np.float32)
    steps_mm = directions * _voxel_mm(directions, spacing_mm)[:, None]
    found = np.zeros(len(points_mm), bool)
    for steps in (0.5, 1.0, 1.5):
        found |= sample(share, points_mm + steps * steps_mm, spacing_mm) >= 0.5
    return found


def hidden(
    bone: Surface,
    apart_mm: np.ndarray,
    bare: np.ndarray,
    spacing_mm: tuple[float, ...],
) -> np.ndarray:
    """Which bare vertices have a layer that is too thin for voxels to show: (n,) bool.

    Args:
      bone: its whole surface.
      apart_mm: (n,) from each vertex to the outer surface.
      bare: (n,) bool, vertices in holes of the cartilage.
      spacing_mm: of the voxels.
    """
    voxel_mm = _voxel_mm(bone.normals, spacing_mm)
    (doubtful,) = np.nonzero(bare & (apart_mm > _LEAST_VOXELS * voxel_mm))
    around = KDTree(bone.vertices).query_ball_point(
        bone.vertices[doubtful], _AROUND_VOXELS * max(spacing_mm)
    )
    found = np.zeros(len(bare), bool)
    for vertex, near in zip(doubtful, around, strict=True):
        found[vertex] = apart_mm[near].max() < _THIN_VOXELS * voxel_mm[vertex]
    return found


def _voxel_mm(directions: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
    """Along each direction a voxel is as long as its axes let it be: (n,)."""
    return 1 / np.linalg.norm(directions / spacing_mm, axis=1)


def holes(bone: Surface, covered: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Bare vertices that cartilage cuts off from the rest of the bone: (n,) bool.

    Args:
      bone: its whole surface.
      covered: (n,) bool, which of its vertices have cartilage.
      within: (n,) bool, which of them lie in what was looked at.
    """
    edges = np.concatenate([bone.faces[:, [0, 1]], bone.faces[:, [1, 2]]])
    is_bare = ~covered[edges]
    bare = edges[is_bare.all(axis=1)]
    count = len(covered)
    joined = sparse.coo_matrix((np.ones(len(bare)), bare.T), (count, count))
    _, component = csgraph.connected_components(joined, directed=False)
    # A hole's rim is cartilage; cavities and islands of bone have none.
    rims = set(component[edges[is_bare & ~is_bare.all(axis=1, keepdims=True)]])
    sizes = np.bincount(component[~covered], minlength=component.max() + 1)
    outside = set(component[~covered & ~within]) | {np.argmax(sizes)}
    return ~covered & np.isin(component, list(rims - outside))
