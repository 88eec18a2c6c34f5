"""Designed cartilage thickness in mm, as a function of the bone's surface point."""

from __future__ import annotations

import numpy as np

from deepresolve.simulation.phantom.parameters import (
    KneeParameters,
    Pose,
    femur_coordinates,
    patella_coordinates,
)
from deepresolve.simulation.phantom.shapes import Surface


def femoral_thickness(
    surface: Surface, parameters: KneeParameters, pose: Pose
) -> np.ndarray:
    """Cartilage on condyles and trochlea, thinning out towards its margin."""
    y, z, x = femur_coordinates(surface.foot.T, parameters, pose)
    upper = np.where(y > 4, 46 - 0.45 * np.abs(x - 2), 36)
    articular = _ramp(upper - z, 0, 4) * _ramp(
        0.80 - np.abs(surface.normal[:, 2]), 0, 0.2
    )
    # The notch is bare, and so are the shaft and the popliteal surface.
    bare = _ramp(parameters.notch_half_width + 2 - np.abs(x - 0.5), 0, 2)
    articular *= 1 - bare * _ramp(16 - y, 0, 4)
    outward = (y - 4) * surface.normal[:, 0] + (z - 28) * surface.normal[:, 1]
    articular *= _ramp(outward, 4, 8)
    trochlea = np.exp(-(((x - 1.5) / 13) ** 2)) * _ramp(y - 15, 0, 15)
    shape = 1 + 0.25 * trochlea + 0.16 * _waves(surface.foot, parameters.seed, 3)
    return parameters.femoral_mm * shape * articular


def tibial_thickness(surface: Surface, parameters: KneeParameters) -> np.ndarray:
    """One pad on each plateau, thickest where femur and tibia meet."""
    y, z, x = surface.foot.T / parameters.scale
    pads = 0.0
    for centre, half_y, thickness in (
        (-21.0, 19.0, parameters.medial_tibial_mm),
        (21.5, 17.0, parameters.lateral_tibial_mm),
    ):
        away = np.hypot((x - centre) / 15, (y + 1) / half_y)
        pads = pads + thickness * (1.3 - 0.5 * away**2) * _ramp(1 - away, 0, 0.2)
    facing = _ramp(surface.normal[:, 1], 0.45, 0.75) * _ramp(z, -8, -5)
    return pads * facing * (1 + 0.12 * _waves(surface.foot, parameters.seed, 5))


def patellar_layer(x: np.ndarray, parameters: KneeParameters) -> np.ndarray:
    """Cartilage thickness across the patella: thickest on the ridge."""
    return parameters.patellar_mm * (0.75 + 0.5 * np.exp(-(((x + 3) / 10) ** 2)))


def patellar_thickness(surface: Surface, parameters: KneeParameters) -> np.ndarray:
    """The back but for the lower pole."""
    _, z, x = patella_coordinates(surface.foot.T, parameters)
    facing = _ramp(-surface.normal[:, 0], 0.4, 0.7)
    extent = _ramp(z, -14, -10) * _ramp(17.5 - z, 0, 4)
    waves = 1 + 0.10 * _waves(surface.foot, parameters.seed, 7)
    return patellar_layer(x, parameters) * waves * facing * extent


def _ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 up to `low`, 1 from `high` on, smooth in between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _waves(
    points: np.ndarray, seed: int, stream: int, wavelength_mm: float = 26.0
) -> np.ndarray:
    """Gentle undulation of unit variance at (n, 3) points."""
    random = np.random.default_rng((seed, stream))
    vectors = random.normal(size=(6, 3)) * (2 * np.pi / wavelength_mm / np.sqrt(3))
    phases = random.uniform(0, 2 * np.pi, 6)
    return np.cos(points @ vectors.T + phases).sum(axis=1) / np.sqrt(3)
