"""How far apart slices are, and how thick, as DICOM means it."""

from __future__ import annotations

import numpy as np

from deepresolve.imaging import volume as volumes


def spacing_mm(volume: volumes.Volume) -> float:
    """Distance along the normal, also where slices step sideways (PS3.3 C.8.3.1)."""
    _, step, orientation, _ = volumes.affine_to_dicom(volume.affine)
    normal = np.cross(orientation[:3], orientation[3:])
    return abs(float(normal @ step))


def thickness_mm(volume: volumes.Volume) -> float:
    """The slices' thickness; where it is unknown, as if there were no gaps."""
    known = volume.slice_thickness_mm
    return spacing_mm(volume) if known is None else known
