"""Where lesions lie in one knee: points of bones and menisci in anatomical mm.

A point of a bone is where a ray meets it, so that it depends on the bone alone and on
no grid. Regions are ours: they stay clear of the margins, where cartilage thins out.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from deepresolve.simulation.phantom import soft_tissue
from deepresolve.simulation.phantom.bones import Bone
from deepresolve.simulation.phantom.lattice import Field
from deepresolve.simulation.phantom.lesions import ZONES
from deepresolve.simulation.phantom.parameters import KneeParameters

# Length and step of a ray, and half the step from which a normal is found, mm.
_REACH_MM, _STEP_MM, _BESIDE_MM = 32.0, 0.25, 0.75
# Degrees around a meniscus from the middle of its body: middle and half of each zone.
_ZONE_DEGREES = dict(
    zip(ZONES, ((62.0, 15.0), (0.0, 35.0), (-62.0, 15.0)), strict=True)
)

# A meniscus begins where the cartilages are so far apart, and no further out than that.
_PARTED_MM, _OUTERMOST_MM = 1.0, -1.5

# Where the femur's rays end, (y, z) at scale 1: about the middle of its round surfaces.
_CONDYLES_MM = (4.0, 24.0)
_TROCHLEA_MM = (7.0, 32.0)
_FROM_MM = 40.0


@dataclasses.dataclass(frozen=True, eq=False)
class Site:
    """A point of a bone's surface.

    Attributes:
      bone: "femur", "tibia" or "patella".
      foot_mm: (3,) the point, in the order (y, z, x).
      normal: (3,) outward unit normal.
      thickness_mm: of the whole cartilage on it.
    """

    bone: str
    foot_mm: np.ndarray
    normal: np.ndarray
    thickness_mm: float


def on_bone(
    region: str,
    along: float,
    across: float,
    bones: dict[str, Bone],
    parameters: KneeParameters,
) -> Site:
    """The point of a region.

    Args:
      region: one of `lesions.REGIONS`.
      along: from -1, back or down, to 1, front or up.
      across: from -1, medial, to 1, lateral.
      bones: with their whole fields.
      parameters: of the knee.

    Raises:
      ValueError: the knee's field of view does not reach the point.
    """
    name, start, direction = _ray(region, along, across, parameters)
    bone = bones[name]
    foot = _met(bone.distance, start, direction, region)
    return Site(
        name,
        foot,
        _normal(bone.distance, foot),
        float(bone.thickness.at(foot[None])[0]),
    )


def _ray(
    region: str, along: float, across: float, parameters: KneeParameters
) -> tuple[str, np.ndarray, np.ndarray]:
    """Bone, start in mm and unit direction (y, z, x) of the ray that meets a region."""
    side = -1.0 if region.startswith("medial") else 1.0
    if region.endswith("condyle"):
        x = 23.0 * side + 4.0 * across
        return "femur", *_inwards(
            _CONDYLES_MM, -75.0 - 15.0 + 30.0 * along, x, parameters
        )
    if region == "trochlea":
        x = 1.5 + 8.0 * across
        return "femur", *_inwards(_TROCHLEA_MM, -10.0 + 20.0 * along, x, parameters)
    if region == "patella":
        height = 37.5 + parameters.patella_height + 5.5 * along
        start = (24.0, height, parameters.patella_shift + 7.0 * across)
        return "patella", np.multiply(start, parameters.scale), np.array([1.0, 0, 0])
    start = (-1.0 + 7.0 * along, 16.0, 21.25 * side + 5.0 * across)
    return "tibia", np.multiply(start, parameters.scale), np.array([0, -1.0, 0])


def _inwards(
    middle_mm: tuple[float, float], degrees: float, x: float, parameters: KneeParameters
) -> tuple[np.ndarray, np.ndarray]:
    """Start and direction of a ray towards a middle, at an angle above the front."""
    outwards = np.array([np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees)), 0])
    start = np.array([*middle_mm, x]) + _FROM_MM * outwards
    return start * parameters.scale, -outwards


def _met(
    distance: Field, start: np.ndarray, direction: np.ndarray, region: str
) -> np.ndarray:
    """Where a ray enters a surface."""
    steps = np.arange(0, _REACH_MM, _STEP_MM)
    points = start + steps[:, None] * direction
    ends = np.array([(a[0], a[-1]) for a in distance.grid.axes])
    points = points[np.all((points >= ends[:, 0]) & (points <= ends[:, 1]), axis=1)]
    heights = distance.at(points)
    entered = np.flatnonzero((heights[:-1] > 0) & (heights[1:] <= 0))
    if not len(entered):
        raise not_in_view(region)
    before = entered[0]
    share = heights[before] / (heights[before] - heights[before + 1])
    return points[before] + share * (points[before + 1] - points[before])


def not_in_view(region: str) -> ValueError:
    """The error of a lesion beyond the field of view."""
    return ValueError(
        f"The {region} is not in the field of view, so that no lesion can lie there. "
        "Ask for more voxels, or for a lesion elsewhere."
    )


def _normal(distance: Field, point: np.ndarray) -> np.ndarray:
    beside = _BESIDE_MM * np.eye(3)
    gradient = distance.at(point + beside) - distance.at(point - beside)
    return (gradient / np.linalg.norm(gradient)).astype(np.float32)


@dataclasses.dataclass(frozen=True, eq=False)
class Rim:
    """A place in a meniscus, half way from its free edge to its rim.

    Attributes:
      place_mm: (3,) midway between the articular surfaces, in the order (y, z, x).
      along: (2,) unit vector (y, x) along the rim.
      free_edge_mm: level of `soft_tissue.ring` where the cartilages part and the
        meniscus begins.
      middle_mm: level of the place.
    """

    place_mm: np.ndarray
    along: np.ndarray
    free_edge_mm: float
    middle_mm: float


def in_meniscus(
    meniscus: str, zone: str, along: float, below: Field, above: Field
) -> Rim:
    """A place in a zone of a meniscus.

    Args:
      meniscus: one of `lesions.MENISCI`.
      zone: one of `lesions.ZONES`.
      along: from -1, the back of the zone, to 1, its front.
      below: distance to the tibia's articular surface.
      above: distance to the femur's, on the same grid.
    """
    centre_x, half_y, half_x = soft_tissue.MENISCI[meniscus]
    middle, half = _ZONE_DEGREES[zone]
    angle = np.deg2rad(middle + half * along)
    sine, cosine = np.sin(angle), np.sign(centre_x) * np.cos(angle)

    def point(level_mm: float) -> np.ndarray:
        size = 1 + level_mm / half_x
        y, x = (
            soft_tissue.MIDDLE_Y_MM + half_y * size * sine,
            centre_x + half_x * size * cosine,
        )
        return _between(below, above, y, x)

    levels = np.arange(-soft_tissue.BREADTH_MM, _OUTERMOST_MM, _STEP_MM)
    points = np.array([point(level) for level in levels])
    closed = below.at(points) + above.at(points) < _PARTED_MM
    free = float(np.max(levels[closed], initial=levels[0]))
    rim = np.array([half_y * cosine, -half_x * sine]) * np.sign(centre_x)
    return Rim(
        place_mm=point(free / 2),
        along=(rim / np.linalg.norm(rim)).astype(np.float32),
        free_edge_mm=free,
        middle_mm=free / 2,
    )


def _between(below: Field, above: Field, y: float, x: float) -> np.ndarray:
    """The point (y, z, x) midway between two surfaces, one over the other."""
    heights = below.grid.z
    points = np.stack(np.broadcast_arrays(y, heights, x), axis=1)
    # What lies closer to the surface below is negative.
    level = np.maximum.accumulate(below.at(points) - above.at(points))
    return np.array([y, np.interp(0.0, level, heights), x])
