"""What varies from knee to knee, and the frames in which its bones are described."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np


@dataclasses.dataclass(frozen=True)
class KneeParameters:
    """One knee; lengths in mm, angles in radians.

    Attributes:
      seed: entropy of everything random that is not a parameter.
      scale: size of the bones, 1 on average.
      flexion: of the femur on the tibia.
      notch_half_width: of the femur's intercondylar notch.
      groove_depth: of the trochlea.
      spine_height: of the tibial spines over the plateau.
      plateau_slope: rise of the tibial plateau towards its front, mm per mm.
      patella_shift: of the patella to the lateral side.
      patella_height: over its usual place.
      femoral_mm: typical thickness of the cartilage, as the three below.
      medial_tibial_mm: on the medial plateau.
      lateral_tibial_mm: on the lateral plateau.
      patellar_mm: on the patella.
      osteophytes_mm: how far the tibial margin stands out.
      stoutness: size of muscles and leg, 1 on average.
      effusion: fluid in the joint, from 0 (dry) to 1.
    """

    seed: int
    scale: float
    flexion: float
    notch_half_width: float
    groove_depth: float
    spine_height: float
    plateau_slope: float
    patella_shift: float
    patella_height: float
    femoral_mm: float
    medial_tibial_mm: float
    lateral_tibial_mm: float
    patellar_mm: float
    osteophytes_mm: float
    stoutness: float
    effusion: float


def draw(seed: int) -> KneeParameters:
    """The parameters that belong to a seed; all ranges are ours."""
    random = np.random.default_rng((seed, 1))
    return KneeParameters(
        seed=seed,
        scale=float(np.clip(random.normal(1.0, 0.05), 0.9, 1.1)),
        flexion=float(np.deg2rad(random.uniform(0, 10))),
        notch_half_width=float(random.uniform(8, 10.5)),
        groove_depth=float(random.uniform(4, 6.5)),
        spine_height=float(random.uniform(6, 9)),
        plateau_slope=float(random.uniform(0.05, 0.15)),
        patella_shift=float(random.uniform(3, 6)),
        patella_height=float(random.uniform(-4, 5)),
        femoral_mm=float(random.uniform(1.5, 2.2)),
        medial_tibial_mm=float(random.uniform(1.4, 2.0)),
        lateral_tibial_mm=float(random.uniform(1.5, 2.1)),
        patellar_mm=float(random.uniform(1.7, 2.7)),
        osteophytes_mm=float(max(random.normal(0.3, 0.8), 0)),
        stoutness=float(np.clip(random.normal(1.0, 0.04), 0.93, 1.08)),
        effusion=float(0.15 + 0.85 * random.beta(1.3, 3.0)),
    )


@dataclasses.dataclass(frozen=True)
class Pose:
    """How the femur stands on the tibia: see `fit`."""

    femur_up: float = 0.0
    femur_tilt: float = 0.0


def femur_coordinates(
    coordinates: Iterable[np.ndarray], parameters: KneeParameters, pose: Pose
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates (y, z, x) in the femur's own frame, in mm of a knee of scale 1."""
    y, z, x = coordinates
    z = z - pose.femur_up - x * pose.femur_tilt
    y, z = y / parameters.scale, z / parameters.scale
    sine, cosine = np.sin(parameters.flexion), np.cos(parameters.flexion)
    y, z = y - 4, z - 24
    y, z = cosine * y + sine * z + 4, cosine * z - sine * y + 24
    return y, z, x / parameters.scale


def patella_coordinates(
    coordinates: Iterable[np.ndarray], parameters: KneeParameters
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coordinates (y, z, x) from the patella's middle, in mm of a knee of scale 1."""
    y, z, x = (c / parameters.scale for c in coordinates)
    return y - 47, z - 35 - parameters.patella_height, x - parameters.patella_shift
