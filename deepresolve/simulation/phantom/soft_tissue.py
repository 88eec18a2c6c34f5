"""What surrounds the bones: menisci, fluid, ligaments, muscles, vessels and skin.

Every structure is a distance field (mm, negative inside) in the coordinates of
`lattice`. Where two overlap, the inner one wins (`signal`), so a meniscus may reach
into the cartilages that clasp it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import interpolate

from deepresolve.simulation.phantom import shapes
from deepresolve.simulation.phantom.bones import Bone, height_above_plateau
from deepresolve.simulation.phantom.lattice import Field, Grid, Texture
from deepresolve.simulation.phantom.parameters import KneeParameters

# Cross-sections at heights z: (z, y, x, half depth along y, half width along x), mm.
_MUSCLES = {
    "vastus medialis": (
        (10, 20, -32, 0, 0),
        (24, 22, -32, 12, 10),
        (46, 24, -29, 20, 17),
        (80, 26, -25, 26, 24),
        (110, 28, -22, 28, 26),
    ),
    "vastus lateralis": (
        (36, 26, 28, 0, 0),
        (52, 24, 30, 14, 13),
        (80, 22, 30, 23, 21),
        (110, 20, 28, 26, 24),
    ),
    "vastus intermedius": ((50, 36, 1, 0, 0), (70, 37, 1, 6, 18), (110, 38, 0, 14, 24)),
    "rectus femoris": ((64, 49, 1, 0, 0), (80, 49, 1, 5, 15), (110, 52, 0, 9, 20)),
    "semimembranosus": (
        (-6, -25, -30, 0, 0),
        (12, -31, -26, 7, 8),
        (40, -37, -22, 14, 16),
        (80, -38, -18, 18, 20),
        (110, -38, -16, 19, 20),
    ),
    "semitendinosus": (
        (-20, -38, -32, 1.2, 1.2),
        (5, -48, -26, 1.8, 2.2),
        (35, -53, -19, 3.5, 6),
        (60, -55, -14, 7, 11),
        (110, -56, -8, 9, 14),
    ),
    "sartorius": (
        (-45, 2, -34, 3, 1),
        (0, -16, -44, 9, 4),
        (40, -22, -46, 12, 5),
        (110, -18, -45, 14, 8),
    ),
    "biceps femoris": (
        (-14, -22, 37, 0, 0),
        (6, -28, 37, 8, 6),
        (40, -36, 31, 14, 14),
        (110, -39, 24, 18, 19),
    ),
    "gastrocnemius medialis": (
        (38, -20, -16, 0, 0),
        (16, -33, -20, 9, 12),
        (-20, -42, -22, 14, 19),
        (-60, -44, -22, 17, 23),
        (-110, -43, -20, 18, 23),
    ),
    "gastrocnemius lateralis": (
        (36, -20, 18, 0, 0),
        (14, -32, 20, 8, 11),
        (-20, -41, 21, 12, 17),
        (-60, -43, 21, 15, 20),
        (-110, -43, 20, 16, 20),
    ),
    "popliteus": (
        (2, -24, 24, 0, 0),
        (-12, -29, 8, 5, 16),
        (-35, -24, -5, 7, 18),
        (-75, -18, -8, 0, 0),
    ),
    "soleus": ((-22, -32, 20, 0, 0), (-45, -32, 6, 7, 26), (-110, -30, 2, 13, 32)),
    "tibialis anterior": (
        (-16, 4, 26, 0, 0),
        (-45, 5, 26, 17, 12),
        (-110, 6, 24, 20, 15),
    ),
    "peroneus longus": (
        (-18, -5, 40, 0, 0),
        (-45, -8, 42, 14, 8),
        (-110, -10, 40, 18, 12),
    ),
}
# The leg's outline: the same five numbers at heights z.
_OUTLINE = (
    (-110, -12, 0, 50, 50),
    (-60, -10, 0, 53, 52),
    (-22, -2, 0, 53, 49),
    (10, 4, 0, 59, 51),
    (38, 4, 0, 62, 54),
    (70, -1, 0, 63, 58),
    (110, -4, 0, 68, 63),
)
_Point = tuple[float, float, float]
_Strap = tuple[_Point, _Point, float, float, int]
# (start, stop, half width, half thickness, wide axis), points as (y, z, x) in mm.
_TENDONS = (
    ((49, 20, 4), (27, -32, 3), 12, 2.3, 2),  # patellar tendon
    ((51, 50, 4), (46, 110, 1), 15, 3.0, 2),  # quadriceps tendon
    ((0, 30, -38.5), (4, -40, -31), 7, 1.2, 0),  # medial collateral ligament
    ((0, 26, 38), (-19, -10, 36), 2.2, 2.2, 0),  # lateral collateral ligament
    ((16, 62, 42), (16, -8, 33), 7, 1.2, 0),  # iliotibial band
    ((-24, -7, 0), (-15, 12, -2), 4.5, 5.0, 2),  # posterior cruciate, lower half
    ((-15, 12, -2), (4, 19, -7), 4.5, 4.5, 2),  # posterior cruciate, upper half
)
_ANTERIOR_CRUCIATE = ((9, 2, -1), (-10, 24, 8), 3.6, 4.5, 0)
_VESSELS = (
    ((-42, 110, -3), (-34, 10, 3), 3.6, 3.6, 2),  # popliteal artery
    ((-34, 10, 3), (-32, -110, 2), 3.2, 3.2, 2),
    ((-49, 110, 1), (-41, 8, 6), 4.4, 4.4, 2),  # popliteal vein
    ((-41, 8, 6), (-37, -110, 5), 3.8, 3.8, 2),
    ((-30, 8, 3), (-26, 4, 28), 1.1, 1.1, 2),  # inferior genicular artery
    ((-32, 30, 1), (-18, 34, -34), 1.2, 1.2, 2),  # superior genicular artery
    ((-30, -80, -47), (-34, 80, -50), 2.0, 2.0, 2),  # great saphenous vein
)
# By name: middle of the compartment along x, half depth along y, half width along x.
MENISCI = {
    "medial meniscus": (-21.5, 22.5, 15.0),
    "lateral meniscus": (21.5, 20.0, 15.0),
}
# Where the middle of both lies along y.
MIDDLE_Y_MM = -1.5
# From the free edge of a meniscus to the middle of its rim, by the level of `ring`.
BREADTH_MM = 8.5
_NERVE = ((-55, 110, 4), (-47, -110, 9), 3.0, 4.0, 2)


def build(
    grid: Grid, bones: dict[str, Bone], parameters: KneeParameters
) -> dict[str, Field]:
    """Distance fields of the soft tissues on the bones' lattice, by name."""
    seed = parameters.seed
    stoutness = parameters.stoutness
    coordinates = _bent(grid, seed)
    skin = _outline(coordinates, stoutness)
    fields = {
        "skin": skin,
        "muscle": np.maximum(_muscles(coordinates, stoutness), skin + 4.5),
        "capsule": _shell(grid, _capsule(bones)),
        "tendon": _straps(coordinates, _TENDONS),
        "cruciate": _straps(coordinates, [_ANTERIOR_CRUCIATE]),
        "vessel": _straps(coordinates, _VESSELS),
        "nerve": _straps(coordinates, [_NERVE]),
        "fluid": _fluid(grid, bones, parameters.effusion, seed),
    }
    found = {k: Field(v.astype(np.float32), grid) for k, v in fields.items()}
    return found | menisci(grid, parameters)


def menisci(grid: Grid, parameters: KneeParameters) -> dict[str, Field]:
    """Distance fields of both menisci on a lattice, by name."""
    height = height_above_plateau(grid, parameters)
    fields = {name: _meniscus(grid, height, name) for name in MENISCI}
    return {k: Field(v.astype(np.float32), grid) for k, v in fields.items()}


def ring(grid: Grid, meniscus: str) -> np.ndarray:
    """Level of a meniscus seen from above: 0 near its rim, negative towards its middle.

    Along x, from the middle of its body outwards, it is a distance in mm.

    Args:
      grid: a lattice.
      meniscus: a name in `MENISCI`.
    """
    centre_x, half_y, half_x = MENISCI[meniscus]
    y, _, x = grid.open()
    return shapes.ellipse(y - MIDDLE_Y_MM, x - centre_x, half_y, half_x)


def _bent(grid: Grid, seed: int) -> tuple[np.ndarray, ...]:
    """Coordinates with a gentle warp, so that no structure is a perfect cylinder."""
    knots = (24.0, 30.0, 24.0)
    return tuple(
        c + 2.2 * Texture((seed, 21, n), knots).sample(grid)
        for n, c in enumerate(grid.open())
    )


def _section(
    coordinates: Sequence[np.ndarray],
    table: Sequence[Sequence[float]],
    growth: float = 1.0,
    exponent: float = 2.0,
) -> np.ndarray:
    """Distance to a tube whose elliptical section changes with z by a table.

    A tube whose last section is empty ends there; any other goes on.
    """
    y, z, x = coordinates
    knots = np.array(sorted(map(tuple, table)), dtype=np.float64)
    heights = np.arange(knots[0, 0], knots[-1, 0] + 1)
    sections = interpolate.PchipInterpolator(knots[:, 0], knots[:, 1:])(heights)
    centre_y, centre_x, half_y, half_x = (
        np.interp(z, heights, section).astype(np.float32) for section in sections.T
    )
    half_y = np.maximum(half_y * growth, 0.3)
    half_x = np.maximum(half_x * growth, 0.3)
    tube = shapes.ellipse(y - centre_y, x - centre_x, half_y, half_x, exponent)
    for end, beyond in ((0, heights[0] - z), (-1, z - heights[-1])):
        if not knots[end, 3:].any():
            tube = np.maximum(tube, beyond)
    return tube


def _outline(coordinates: Sequence[np.ndarray], stoutness: float) -> np.ndarray:
    return _section(coordinates, _OUTLINE, stoutness, exponent=2.2)


def _muscles(coordinates: Sequence[np.ndarray], stoutness: float) -> np.ndarray:
    """All muscles; neighbours are parted by a layer of fat along their boundary."""
    first = np.full(np.broadcast_shapes(*(c.shape for c in coordinates)), 50.0, "f4")
    second = first.copy()
    for table in _MUSCLES.values():
        muscle = _section(coordinates, table, stoutness).astype(np.float32)
        second = np.minimum(second, np.maximum(first, muscle))
        first = np.minimum(first, muscle)
    return np.maximum(first, 0.5 - (second - first) / 2)


def _straps(coordinates: Sequence[np.ndarray], table: Sequence[_Strap]) -> np.ndarray:
    straps = (shapes.strap(coordinates, *row) for row in table)
    return np.minimum.reduce(list(straps))


def _meniscus(grid: Grid, height: np.ndarray, name: str) -> np.ndarray:
    """A C open towards the spines, between the cartilages and at most 7.5 mm high.

    Args:
      grid: the lattice.
      height: of every point above the tibia's bony plateau, mm.
      name: of `MENISCI`.
    """
    _, _, x = grid.open()
    level = ring(grid, name)
    # The rim is tall, the free edge sharp: femur and tibia leave a wedge.
    level = np.maximum(level - 0.5 - 0.08 * (height - 4) ** 2 / 4, -level - BREADTH_MM)
    level = np.maximum(level, np.maximum(height - 7.5, -height))
    return np.maximum(level, 7.0 - x * np.float32(np.sign(MENISCI[name][0])))


def _capsule(bones: dict[str, Bone]) -> np.ndarray:
    """The joint capsule: 5 mm over the bones, taut from one to the other."""
    femur, tibia = (bones[name].distance.values for name in ("femur", "tibia"))
    return shapes.smooth_union(femur, tibia, 24.0) - 5.0


def _shell(grid: Grid, capsule: np.ndarray) -> np.ndarray:
    """The thin wall of the capsule behind and beside the joint."""
    y, z, _ = grid.open()
    ends = np.maximum(np.abs(z - 14) - 30, y - 22)
    return np.maximum(np.abs(capsule) - 0.55, ends)


def _fluid(
    grid: Grid, bones: dict[str, Bone], effusion: float, seed: int
) -> np.ndarray:
    """Films between cartilages, pockets along the capsule, the suprapatellar pouch."""
    y, z, x = grid.open()
    femur, tibia, patella = (
        bones[name].covered.values for name in ("femur", "tibia", "patella")
    )
    between = np.minimum(femur + tibia - 1.3, femur + patella - 1.6)
    pockets = Texture((seed, 22), (9.0, 9.0, 9.0)).sample(grid)
    articular = bones["femur"].distance.values - femur
    film = femur - 2.0 * effusion * (pockets - 0.5) + 3.0 * np.clip(1 - articular, 0, 1)
    notch = np.sqrt((x / 7.5) ** 2 + ((y + 5) / 12) ** 2 + ((z - 13) / 12) ** 2)
    dry = 2.5 * (2.0 - effusion - pockets)
    notch = shapes.smooth_intersection((notch - 1) * 7.5, dry, 3.0)
    joint = np.maximum(np.minimum(np.minimum(between, film), notch), _capsule(bones))
    depth = np.maximum(0.8 + 2.4 * effusion + 0.6 * pockets, 0.4)
    pouch = np.sqrt(
        ((femur - 3.0) / depth) ** 2 + ((z - 60) / 14) ** 2 + ((x - 2) / 19) ** 2
    )
    pouch = np.maximum((pouch - 1) * depth, 20 - y)
    return shapes.straightened(np.minimum(joint, pouch), grid)
