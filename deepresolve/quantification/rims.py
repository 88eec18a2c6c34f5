"""The rim of a plate: how far cartilage reaches along the bone, to half a voxel.

A voxel belongs to a plate or it does not, whatever share of it is cartilage, so that a
plate may end half a voxel further in or further out. Probabilities know no better:
where cartilage tapers, all thresholds between none and all lie within a voxel.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from deepresolve.quantification.surfaces import Surface
from deepresolve.quantification.thickness import Plate

_HALF_A_VOXEL = 0.5


def without_rim(
    plate: Plate, spacing_mm: tuple[float, ...]
) -> tuple[Plate, np.ndarray]:
    """A plate that ends half a voxel further in.

    Args:
      plate: as `measure_plate` gives it.
      spacing_mm: of the voxels, along the axes of its surfaces.

    Returns:
      The smaller plate, without any vertex where it is smaller than its rim, and which
      vertices of its bone are kept: (n,) bool.
    """
    places = plate.bone.vertices / spacing_mm
    apart, _ = KDTree(places[edge(plate.bone)]).query(places)
    kept = apart > _HALF_A_VOXEL
    return plate.part(kept), kept


def edge(surface: Surface) -> np.ndarray:
    """The vertices at which a surface ends: (n,) bool.

    They are those of sides that one triangle has alone, and those of no triangle.
    """
    sides = np.sort(surface.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, counts = np.unique(sides, axis=0, return_counts=True)
    at_edge = np.ones(len(surface.vertices), bool)
    at_edge[surface.faces] = False
    at_edge[unique[counts == 1]] = True
    return at_edge
