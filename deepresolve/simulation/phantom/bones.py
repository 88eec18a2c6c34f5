"""Femur, tibia, patella and fibula, and the cartilage that covers the first three.

Each bone is an implicit function of (y, z, x) in mm for a right knee (see `lattice`);
the origin is the middle of the tibial plateau. Sizes follow a segmented knee of the
Osteoarthritis Initiative. A cartilage is the layer from the bone's surface up to a
thickness that is a function of the surface point: known, hence a ground truth.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from deepresolve.simulation.phantom import cartilage, shapes
from deepresolve.simulation.phantom.lattice import Field, Grid, Texture
from deepresolve.simulation.phantom.parameters import (
    KneeParameters,
    Pose,
    femur_coordinates,
    patella_coordinates,
)

# Where femur and tibia are brought into contact (y, z, x), and the half width of the
# middle part that is left out: between the spines nothing bears weight.
_FIT_SPACING_MM = 1.5
_FIT_BOX_MM = ((-24.0, 22.0), (-8.0, 16.0), (-38.0, 38.0))
_SPINES_MM = 12.0
_CONDYLES_APART_MM = 46.0
# What `tibia` gives way where the femur bears on it.
_PRESSED_MM = 0.35
_THICKEST_MM = 3.8
# Above the femur's bone its distances are exact so far: the patella's back is moulded
# on them, across both cartilages and the room between them.
_MOULDED_MM = 12.0
# Of cortical bone between cartilage and marrow.
CORTEX_MM = 0.9


@dataclasses.dataclass(frozen=True, eq=False)
class Bone:
    """A bone's distance field and its cartilage's designed thickness, both in mm."""

    distance: Field
    thickness: Field

    @property
    def covered(self) -> Field:
        """Distance to the surface of bone and cartilage together."""
        return Field(self.distance.values - self.thickness.values, self.distance.grid)

    def cropped(self, margin_mm: float) -> Bone:
        """The same bone on the part of its grid within a margin of its surface."""
        distance = self.distance.around(margin_mm)
        return Bone(distance, self.thickness.cropped_like(distance))


def build(grid: Grid, parameters: KneeParameters, pose: Pose) -> dict[str, Bone]:
    """The four bones on a lattice, by name."""
    above = femur(grid, parameters, pose)
    return {
        "femur": above,
        "tibia": tibia(grid, parameters, above),
        "patella": patella(grid, parameters, above),
        "fibula": fibula(grid, parameters),
    }


def fit(parameters: KneeParameters) -> Pose:
    """Raises and tilts the femur until cartilage touches cartilage on both plateaus.

    Always measured on the same lattice: independent of the image's grid.
    """
    pose = Pose()
    axes = (np.arange(low, high, _FIT_SPACING_MM) for low, high in _FIT_BOX_MM)
    grid = Grid.along(axes, (_FIT_SPACING_MM,) * 3)
    below = tibia(grid, parameters).covered.values
    for _ in range(2):
        gap = femur(grid, parameters, pose).covered.values + below
        medial = float(gap[:, :, grid.x < -_SPINES_MM].min()) + _PRESSED_MM
        lateral = float(gap[:, :, grid.x > _SPINES_MM].min()) + _PRESSED_MM
        pose = Pose(
            femur_up=pose.femur_up - (medial + lateral) / 2,
            femur_tilt=pose.femur_tilt - (lateral - medial) / _CONDYLES_APART_MM,
        )
    return pose


def femur(grid: Grid, parameters: KneeParameters, pose: Pose) -> Bone:
    """Two condyles with the notch between them, trochlea, metaphysis and shaft."""
    y, z, x = femur_coordinates(grid.open(), parameters, pose)
    level = shapes.smooth_union(_trunk(y, z, x, parameters), _condyles(y, z, x), 5)
    level = shapes.smooth_union(level, _femoral_shaft(y, z, x), 8)
    level = shapes.smooth_intersection(level, -_notch(y, z, x, parameters), 3)
    level = level * parameters.scale - _roughness(grid, parameters.seed, 2)
    surface = shapes.measure_surface(
        level.astype(np.float32), grid, outer_mm=_MOULDED_MM
    )
    return _bone(surface, cartilage.femoral_thickness(surface, parameters, pose))


def _trunk(
    y: np.ndarray, z: np.ndarray, x: np.ndarray, parameters: KneeParameters
) -> np.ndarray:
    """What both condyles share: trochlea and metaphysis."""
    profile = np.hypot(y - 7, z - 32) - 30 + _sunken(x, y, parameters)
    trunk = shapes.rounded_extrusion(profile, np.abs(x) - 36.5, 11)
    taper = np.interp(z, [0, 28, 46, 60, 78, 110], [37, 38, 32, 23, 17, 15])
    trunk = shapes.smooth_intersection(trunk, np.abs(x) - taper, 6)
    # Above the posterior condyles the popliteal surface slopes to the shaft.
    popliteal = 0.62 * (z - 44) - 0.78 * (y + 11)
    return shapes.smooth_intersection(trunk, popliteal, 5)


def _sunken(x: np.ndarray, y: np.ndarray, parameters: KneeParameters) -> np.ndarray:
    """How far the trunk's surface lies below its largest radius.

    The facets of the trochlea stand above its groove, the lateral one higher, and the
    bearing surfaces are rounded from side to side.
    """
    groove = parameters.groove_depth * np.exp(-(((x - 1.5) / 9) ** 2))
    outer = 0.012 * np.maximum(np.abs(x) - 17, 0) ** 2
    bearing = 0.012 * (np.abs(x) - 23) ** 2 * np.clip((18 - y) / 10, 0, 1)
    raised = 2.0 * np.clip((x + 6) / 18, 0, 1) * np.clip((y - 15) / 15, 0, 1)
    return groove + outer + bearing - raised


def _condyles(y: np.ndarray, z: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The posterior condyles: two rounded wheels that diverge backwards."""
    wheels = []
    for centre, half_width, radius in ((-24.5, 14, 19.5), (24, 13.5, 19)):
        splay = 0.1 * np.minimum(y - 5, 0) * np.sign(centre)
        across = np.abs(x - centre + splay) - half_width
        around = np.hypot(y + 3.5, z - 24) - radius
        wheels.append(shapes.rounded_extrusion(around, across, 9))
    return np.minimum(*wheels)


def _femoral_shaft(y: np.ndarray, z: np.ndarray, x: np.ndarray) -> np.ndarray:
    heights = [20, 40, 60, 90]
    shaft = shapes.ellipse(
        y - np.interp(z, [20, 50, 90], [10, 16, 17]),
        x,
        np.interp(z, heights, [20, 17, 14, 13]),
        np.interp(z, heights, [34, 28, 20, 15]),
    )
    return shapes.smooth_intersection(shaft, 22 - z, 6)


def _notch(
    y: np.ndarray, z: np.ndarray, x: np.ndarray, parameters: KneeParameters
) -> np.ndarray:
    """The intercondylar notch; its roof rises backwards."""
    roof = np.maximum(z - 10 - 0.45 * np.clip(5 - y, 0, 30), 0)
    notch = shapes.ellipse(x - 0.5, roof, parameters.notch_half_width, 18)
    return shapes.smooth_intersection(notch, y - 14 + 0.25 * (z - 10), 6)


def tibia(grid: Grid, parameters: KneeParameters, above: Bone | None = None) -> Bone:
    """Two plateaus, one dished and one domed, spines, tuberosity and shaft.

    Given the femur above, the cartilage grows or shrinks where that closes the joint:
    opposite cartilages fit each other.
    """
    y, z, x = (c / parameters.scale for c in grid.open())
    level = shapes.smooth_intersection(
        _tibial_walls(y, z, x), z - _plateau(y, x, parameters), 3
    )
    tuberosity = np.hypot(np.hypot(y - 17, (z + 36) * 0.6), x - 3) - 8
    level = shapes.smooth_union(level, tuberosity, 7)
    margin = np.exp(-(((np.abs(x) - 34) / 4) ** 2) - ((z + 2) / 4) ** 2)
    level = level - parameters.osteophytes_mm * margin
    level = level * parameters.scale - _roughness(grid, parameters.seed, 4)
    surface = shapes.measure_surface(level.astype(np.float32), grid)
    thickness = cartilage.tibial_thickness(surface, parameters)
    if above is not None:
        room = above.covered.at(surface.foot) - 0.1
        thickness = np.clip(
            room, 0.7 * thickness, np.minimum(1.4 * thickness, _THICKEST_MM)
        )
    return _bone(surface, thickness)


def _tibial_walls(y: np.ndarray, z: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Metaphysis and shaft, notched behind for the posterior cruciate."""
    heights = [-95, -62, -42, -24, -9, -4]
    half_y = np.interp(z, heights, [14, 15, 17, 21, 24, 24])
    half_x = np.interp(z, heights, [13.5, 15, 18.5, 28, 36, 36.5])
    centred = y + np.interp(z, [-60, 0], [-1, 2])
    bite = 5 * np.exp(-((x / 8) ** 2)) * np.clip(-y / 20, 0, 1)
    return shapes.ellipse(centred, x, half_y, half_x, exponent=2.4) + bite


def height_above_plateau(grid: Grid, parameters: KneeParameters) -> np.ndarray:
    """Height in mm of every point of a grid above the tibia's bony plateau."""
    y, z, x = (c / parameters.scale for c in grid.open())
    return (z - _plateau(y, x, parameters)) * parameters.scale


def _plateau(y: np.ndarray, x: np.ndarray, parameters: KneeParameters) -> np.ndarray:
    """Height of the tibia's upper surface at (y, x); all in mm of a knee of scale 1."""
    medial = 0.008 * ((x + 21) ** 2 + 0.6 * y**2) - 1.5
    lateral = 0.4 - 0.006 * y**2 + 0.006 * (x - 21) ** 2
    height = medial + (lateral - medial) * np.clip((x + 8) / 16, 0, 1)
    height = np.minimum(height, 1.5)
    for centre in (-5, 5.5):
        spine = np.exp(-(((x - centre) / 3.2) ** 2) - ((y + 2) / 8) ** 2)
        height = height + parameters.spine_height * spine
    # In front of the spines and behind them the ligaments insert in shallow pits.
    pits = np.exp(-((x / 7) ** 2)) * np.clip((np.abs(y + 2) - 9) / 6, 0, 1)
    return height - 2.5 * pits + parameters.plateau_slope * y


def patella(grid: Grid, parameters: KneeParameters, femur: Bone) -> Bone:
    """A rounded triangle whose back is moulded on the trochlea."""
    y, z, x = patella_coordinates(grid.open(), parameters)
    outline = shapes.ellipse(x, z, 21 - 5 * np.clip(-z / 19, 0, 1), 19.5, exponent=2.3)
    front = y - 9 + 0.012 * x**2 + 0.008 * z**2
    level = shapes.smooth_intersection(outline, front, 6) * parameters.scale
    # Both cartilages fit between the bones; the joint opens towards its margin.
    apart = (
        1.1 * cartilage.patellar_layer(x, parameters) + 0.3 + 0.008 * (x**2 + z**2) / 2
    )
    level = shapes.smooth_intersection(level, apart - femur.covered.values, 3)
    level = np.maximum(level, (-12 - y) * parameters.scale)
    level = level - 0.6 * _roughness(grid, parameters.seed, 6)
    surface = shapes.measure_surface(level.astype(np.float32), grid)
    return _bone(surface, cartilage.patellar_thickness(surface, parameters))


def fibula(grid: Grid, parameters: KneeParameters) -> Bone:
    """Head, neck and shaft behind the lateral edge of the tibia; no cartilage."""
    y, z, x = (c / parameters.scale for c in grid.open())
    radius = np.interp(z, [-95, -45, -30, -20, -12, -5], [6, 5.5, 7, 9.5, 8.5, 5])
    centre_x = np.interp(z, [-95, -20], [39, 34])
    centre_y = np.interp(z, [-95, -20], [-20, -22])
    level = np.hypot(y - centre_y, x - centre_x) - radius
    level = shapes.smooth_intersection(level, z + 8, 5)
    level = level * parameters.scale - _roughness(grid, parameters.seed, 8)
    surface = shapes.measure_surface(level.astype(np.float32), grid)
    return _bone(surface, np.zeros(len(surface.foot)))


def _bone(surface: shapes.Surface, thickness: np.ndarray) -> Bone:
    values = np.zeros(surface.band.shape, dtype=np.float32)
    values[surface.band] = thickness
    grid = surface.distance.grid
    return Bone(surface.distance, Field(values, grid))


def _roughness(grid: Grid, seed: int, stream: int) -> np.ndarray:
    """Unevenness of a bone in mm: what makes no two knees alike."""
    broad = Texture((seed, stream, 0), (14.0, 14.0, 14.0)).sample(grid)
    fine = Texture((seed, stream, 1), (5.0, 5.0, 5.0)).sample(grid)
    return 0.5 * broad + 0.15 * fine
