"""Where bones are, of label maps that hold cartilage alone.

Public label maps of cartilage (iMorphics, IWOAI) have no bones. The inner side of a
plate still shows where its bone begins: that of the femur lies around the middle of a
cylinder, that of the tibia below, that of the patella in front. What has lost all its
cartilage has no inner side, so denuded bone cannot be told there.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage, optimize

from deepresolve.quantification.surfaces import NEAR_VOXELS, signed_mm

# Of the bone, as far as its surface needs it.
_DEPTH_MM = 4.0
# Cosine between the way to the bone and the way off the cartilage: what lies beside a
# plate is no bone.
_LEAST_COSINE = 0.4
# Of voxels that a cylinder is fitted to.
_FITTED = 5000


def bone_below(
    cartilage: np.ndarray, bone: str, spacing_mm: tuple[float, ...]
) -> np.ndarray:
    """Voxels on the side of a plate where its bone is.

    Args:
      cartilage: (I, J, K) bool; I down, J back, K across.
      bone: "femur", "tibia" or "patella".
      spacing_mm: of the voxels.

    Raises:
      ValueError: another bone, or no cartilage.
    """
    if not cartilage.any():
        raise ValueError("No voxel of the cartilage: there is no side of it.")
    found = np.zeros(cartilage.shape, bool)
    margin = np.ceil(np.divide(_DEPTH_MM, spacing_mm)).astype(int)
    (around,) = ndimage.find_objects(cartilage.astype(np.uint8))
    box = tuple(
        slice(max(0, along.start - beyond), along.stop + beyond)
        for along, beyond in zip(around, margin, strict=True)
    )
    found[box] = _inner_side(cartilage[box], bone, spacing_mm)
    return found


def _inner_side(
    cartilage: np.ndarray, bone: str, spacing_mm: tuple[float, ...]
) -> np.ndarray:
    reach_mm = _DEPTH_MM + NEAR_VOXELS * max(spacing_mm)
    away_mm = signed_mm(np.pad(cartilage, 1), spacing_mm, reach_mm=reach_mm)
    ways = [way[1:-1, 1:-1, 1:-1] for way in np.gradient(away_mm, *spacing_mm)]
    beside = ~cartilage & (away_mm[1:-1, 1:-1, 1:-1] <= _DEPTH_MM)
    way = np.stack([along[beside] for along in ways], axis=-1)
    inwards = _inwards(
        np.argwhere(beside) * spacing_mm, np.argwhere(cartilage) * spacing_mm, bone
    )
    length = np.linalg.norm(way, axis=1)
    found = np.zeros(cartilage.shape, bool)
    found[beside] = np.sum(way * inwards, axis=1) > _LEAST_COSINE * length
    return found


def _inwards(points_mm: np.ndarray, cartilage_mm: np.ndarray, bone: str) -> np.ndarray:
    """From places around a plate the way to its bone: (n, 3) of length 1."""
    if bone == "tibia":
        return np.broadcast_to([1.0, 0.0, 0.0], points_mm.shape)
    if bone == "patella":
        return np.broadcast_to([0.0, -1.0, 0.0], points_mm.shape)
    if bone != "femur":
        raise ValueError(f"No cartilage lies on a {bone}.")
    way = np.zeros_like(points_mm)
    way[:, :2] = _centre(cartilage_mm[:, :2]) - points_mm[:, :2]
    return way / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-6)


def _centre(flat_mm: np.ndarray) -> np.ndarray:
    """Of the circle that the femur's cartilage follows, seen from the side."""
    step = max(1, len(flat_mm) // _FITTED)
    flat = flat_mm[::step]

    def off(circle: np.ndarray) -> np.ndarray:
        return np.linalg.norm(flat - circle[:2], axis=1) - circle[2]

    start = [*flat.mean(axis=0), flat.std(axis=0).sum()]
    return optimize.least_squares(off, start).x[:2]
