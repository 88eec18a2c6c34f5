"""Directions of the knee, whichever way it lay in the scanner.

Regions are told along the knee's own axes, so that a knee that lies askew has the
regions that it has when it lies straight. The tibial plates tell them, as pymskt has
it: down is across both plates, where their points spread least; medial is from the
middle of the lateral to that of the medial plate; back is at right angles to both.
"""

from __future__ import annotations

import numpy as np

from deepresolve.quantification.surfaces import Surface


def knee_axes(medial: Surface, lateral: Surface) -> np.ndarray:
    """Down, back and towards medial: (3, 3) float64, a unit vector each row.

    Args:
      medial: surface of the bone below the medial tibial plate, in mm roughly down,
        back and towards medial.
      lateral: the same of the lateral plate.
    """
    points = np.concatenate([medial.vertices, lateral.vertices])
    areas = np.concatenate([medial.areas_mm2, lateral.areas_mm2])
    _, directions = np.linalg.eigh(np.cov(points.T, aweights=areas))
    down = directions[:, 0] * np.sign(directions[0, 0])
    across = _middle(medial) - _middle(lateral)
    across -= (across @ down) * down
    across /= np.linalg.norm(across)
    return np.stack([down, np.cross(across, down), across])


def _middle(plate: Surface) -> np.ndarray:
    return np.average(plate.vertices, axis=0, weights=plate.areas_mm2)
