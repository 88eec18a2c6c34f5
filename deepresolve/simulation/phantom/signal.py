"""From anatomy to DESS signal: tissues, textures, coil shading and noise.

Signals are relative to cartilage (1.0). Water is excited and fat is not, so fluid is
brightest, cartilage and muscle are bright, marrow and fat dark, and cortical bone,
tendons and menisci darkest. The ratios are those of a 3 T DESS scan. A later echo has
what T2 leaves of each tissue's signal.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from deepresolve.simulation.phantom.bones import CORTEX_MM, Bone
from deepresolve.simulation.phantom.damage import Damage
from deepresolve.simulation.phantom.lattice import Field, Grid, Texture

SKIN, FAT, MUSCLE, FASCIA = 0.62, 0.25, 1.0, 0.18
FLUID, VESSEL, NERVE = 2.6, 1.3, 0.6
TENDON, CRUCIATE, MENISCUS = 0.16, 0.36, 0.40
CARTILAGE, CORTEX, MARROW = 1.0, 0.07, 0.13
# Water in the marrow, between marrow and cartilage: ours, as its T2 below.
MARROW_LESION = 0.6
_SKIN_MM, _FASCIA_MM = 1.6, 0.6
# T2 in ms: of cartilage, which grows from the bone to the surface, around 37, and of
# fluid, muscle and fat as measured at 3 T (Gold et al., AJR 2004;183:343); others ours.
_DEEP_T2_MS, _SURFACE_T2_MS = 30.0, 45.0
_T2_MS = {
    **{"marrow": 133.0, "cortex": 1.0, "meniscus": 12.0, "fluid": 767.0},
    **{"marrow lesion": 80.0},
    **{"tendon": 8.0, "cruciate": 15.0, "vessel": 150.0, "nerve": 60.0},
    **{"muscle": 32.0, "fascia": 8.0, "fat": 133.0, "skin": 30.0},
}


@dataclasses.dataclass(frozen=True, eq=False)
class Anatomy:
    """All fields of one knee.

    Attributes:
      bones: "femur", "tibia", "patella" and "fibula".
      soft: distance fields by name, see `soft_tissue.build`.
      seed: entropy of the textures.
      damage: its lesions.
    """

    bones: dict[str, Bone]
    soft: dict[str, Field]
    seed: int
    damage: Damage


class Painter:
    """Renders the noise-free signal of one knee on any grid."""

    def __init__(self, anatomy: Anatomy):
        seed = anatomy.seed
        self._anatomy = anatomy
        self._textures = {
            "trabeculae": Texture((seed, 40), (0.65, 1.0, 0.65)).sampler(),
            "fibres": Texture((seed, 41), (2.2, 12.0, 1.4)).sampler(),
            "streaks": Texture((seed, 42), (0.8, 3.6, 1.3)).sampler(),
            "septa": Texture((seed, 45), (3.0, 9.0, 4.0)).sampler(),
            "fascicles": Texture((seed, 46), (3.2, 18.0, 5.0)).sampler(),
            "branches": Texture((seed, 43), (7.0, 10.0, 7.0)).sampler(),
            "broad": Texture((seed, 44), (13.0, 16.0, 13.0)).sampler(),
        }

    def render(self, grid: Grid, later_ms: float = 0.0) -> np.ndarray:
        """Float32 signal at the points of `grid`, edges one cell wide.

        Args:
          grid: where.
          later_ms: by how much the echo comes later than the first.
        """
        cell = grid.spacing_mm
        textures = {k: t(grid, cell_mm=cell) for k, t in self._textures.items()}
        canvas = _Canvas(grid, later_ms)
        self._fill_bones(canvas, textures)
        self._fill_soft_tissue(canvas, textures)
        return canvas.signal

    def _fill_bones(self, canvas: _Canvas, textures: Mapping[str, np.ndarray]) -> None:
        """Marrow, cortex and cartilage; the bones are disjoint, so shares add."""
        marrow = 1 + 0.5 * textures["trabeculae"] + 0.18 * textures["broad"]
        marrow = MARROW * np.maximum(marrow, 0.15)
        damage = self._anatomy.damage
        for name, bone in self._anatomy.bones.items():
            measured = canvas.measure(bone.distance)
            if measured is None:
                continue
            region, distance = measured
            window = canvas.grid.window(region)
            thickness = bone.thickness.sample(window)
            inside = canvas.share(distance + CORTEX_MM)
            within = canvas.share(distance)
            covered = canvas.share(distance - thickness)
            cartilage = _cartilage(distance, thickness, textures["broad"][region])
            of_cartilage = left(cartilage_t2_ms(distance, thickness), canvas.later_ms)
            canvas.signal[region] += (
                inside * marrow[region] * canvas.left("marrow")
                + (within - inside) * CORTEX * canvas.left("cortex")
                + (covered - within) * cartilage * of_cartilage
            )
            canvas.filled[region] += covered
            # What a lesion takes of a tissue gets the signal of what fills it.
            if damage.defects_of(name):
                remaining = damage.remaining(name, thickness, window)
                void = covered - canvas.share(distance - remaining)
                fluid = FLUID * canvas.left("fluid")
                canvas.signal[region] += void * (fluid - cartilage * of_cartilage)
            for ball in damage.balls_of(name):
                wet = _wet_marrow(textures, region) * canvas.left("marrow lesion")
                dry = marrow[region] * canvas.left("marrow")
                canvas.signal[region] += inside * ball.part(window) * (wet - dry)
        canvas.settle()

    def _fill_soft_tissue(
        self, canvas: _Canvas, textures: Mapping[str, np.ndarray]
    ) -> None:
        soft, fibres = self._anatomy.soft, textures["fibres"]
        tendon = TENDON * (1 + 0.3 * fibres)
        menisci = self._menisci(canvas, textures)
        for name in ("medial meniscus", "lateral meniscus"):
            canvas.fill(soft[name], menisci, 0.0)
        for name, tissue, signal, shift in (
            ("fluid", "fluid", FLUID, 0.0),
            ("tendon", "tendon", tendon, 0.0),
            ("cruciate", "cruciate", CRUCIATE * (1 + 0.35 * fibres), 0.0),
            ("vessel", "vessel", VESSEL, 0.0),
            ("nerve", "nerve", NERVE * (1 + 0.2 * fibres), 0.0),
            ("muscle", "muscle", _muscle(textures, canvas.width), 0.0),
            ("muscle", "fascia", FASCIA, -_FASCIA_MM),
            ("capsule", "tendon", tendon, 0.0),
            ("skin", "fat", _fat(textures, canvas.width), _SKIN_MM),
            ("skin", "skin", SKIN, 0.0),
        ):
            canvas.fill(soft[name], signal * canvas.left(tissue), shift)

    def _menisci(
        self, canvas: _Canvas, textures: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Signal of menisci, with fluid in their clefts."""
        signal = MENISCUS * (1 + 0.12 * textures["broad"]) * canvas.left("meniscus")
        fluid = FLUID * canvas.left("fluid")
        for cleft in self._anatomy.damage.clefts:
            region = canvas.grid.inside(cleft.sheet.grid)
            window = canvas.grid.window(region)
            if all(window.shape):
                part = cleft.part(window, canvas.width)
                signal[region] += part * (fluid - signal[region])
        return signal


class _Canvas:
    """Signal that is filled in from the innermost structure outwards.

    Of what a voxel's structures share at a common edge, the inner one keeps its part
    and the outer one gets the rest of its own: right for nested surfaces, and every
    structure reaches a little under the ones filled in before it.
    """

    def __init__(self, grid: Grid, later_ms: float):
        self.grid = grid
        self.later_ms = later_ms
        self.width = float(np.sqrt(np.mean(np.square(grid.spacing_mm))))
        self.signal = np.zeros(grid.shape, dtype=np.float32)
        self.filled = np.zeros(grid.shape, dtype=np.float32)

    def measure(
        self, field: Field
    ) -> tuple[tuple[slice, slice, slice], np.ndarray] | None:
        """(region, distances) of a field where it is known; None where it is not."""
        region = self.grid.inside(field.grid)
        window = self.grid.window(region)
        return (region, field.sample(window)) if all(window.shape) else None

    def left(self, tissue: str) -> float:
        """What T2 leaves of a tissue's signal."""
        return float(left(_T2_MS[tissue], self.later_ms))

    def share(self, distance: np.ndarray) -> np.ndarray:
        """Part of each cell that lies inside a surface at a distance."""
        return np.clip(0.5 - distance / self.width, 0, 1)

    def settle(self) -> None:
        """Scales down where disjoint structures were pressed into each other."""
        excess = np.maximum(self.filled, 1)
        self.signal /= excess
        self.filled /= excess

    def fill(self, field: Field, signal: np.ndarray | float, shift: float) -> None:
        """Fills what is still empty `shift` mm below a surface with a signal."""
        measured = self.measure(field)
        if measured is None:
            return
        region, distance = measured
        if isinstance(signal, np.ndarray):
            signal = signal[region]
        before = self.filled[region]
        after = np.maximum(before, self.share(distance + shift))
        self.signal[region] += (after - before) * signal
        self.filled[region] = after


def left(t2_ms: np.ndarray | float, later_ms: float) -> np.ndarray:
    """What T2 leaves of a signal, as a share: float32."""
    return np.exp(np.float32(-later_ms) / np.float32(t2_ms))


def cartilage_t2_ms(distance: np.ndarray, thickness: np.ndarray) -> np.ndarray:
    """T2 of cartilage by its height over the bone.

    Args:
      distance: from the bone, mm.
      thickness: of the cartilage there, mm.
    """
    return _DEEP_T2_MS + (_SURFACE_T2_MS - _DEEP_T2_MS) * _layer(distance, thickness)


def _layer(distance: np.ndarray, thickness: np.ndarray) -> np.ndarray:
    """Height over the bone, 0 to 1 at the surface."""
    return np.clip(distance / np.maximum(thickness, 0.5), 0, 1)


def _cartilage(
    distance: np.ndarray, thickness: np.ndarray, broad: np.ndarray
) -> np.ndarray:
    """Brighter towards the surface: the deep, calcified zone is dark."""
    layer = _layer(distance, thickness)
    return CARTILAGE * (0.82 + 0.28 * layer + 0.07 * broad)


def _wet_marrow(
    textures: Mapping[str, np.ndarray], region: tuple[slice, slice, slice]
) -> np.ndarray:
    """Marrow whose fat gave way to water: the trabeculae stay."""
    patches = 0.15 * textures["branches"][region] + 0.2 * textures["trabeculae"][region]
    return MARROW_LESION * np.maximum(1 + patches, 0.2)


def _fat(textures: Mapping[str, np.ndarray], width: float) -> np.ndarray:
    """Fat lobules, the streaks of septa between them, and small bright vessels."""
    septa = _sheet(textures["septa"], 0.08, width)
    septa *= np.clip(textures["branches"] + 0.6, 0, 1)
    vessels = _sheet(
        np.hypot(textures["broad"] - 0.3, textures["branches"]), 0.08, width
    )
    streaks = np.maximum(textures["streaks"] * (1 + 0.5 * textures["branches"]), -1)
    fat = FAT * (1 + 0.2 * textures["broad"] + 0.32 * streaks)
    return fat + 0.22 * septa + (VESSEL - FAT) * vessels


def _muscle(textures: Mapping[str, np.ndarray], width: float) -> np.ndarray:
    """Striation along the fibres and dark strands of fat between bundles."""
    strands = _sheet(textures["fascicles"], 0.06, width)
    strands *= np.clip(textures["streaks"] + 0.5 * textures["branches"], 0, 1)
    fine = 0.04 * textures["fibres"] + 0.03 * textures["streaks"]
    return MUSCLE * (1 + fine + 0.04 * textures["broad"]) * (1 - 0.65 * strands)


def _sheet(texture: np.ndarray, half_width: float, width: float) -> np.ndarray:
    """1 where a texture is near zero: thin sheets, or threads of a hypotenuse."""
    softness = half_width * max(1.0, width)
    away = np.abs(texture)
    return np.clip((half_width + softness - away) / (2 * softness), 0, 1)


def coil_shading(grid: Grid, strength: float) -> np.ndarray:
    """Sensitivity of an eight-element knee coil (root of squares), 1 on average.

    Args:
      grid: points, mm.
      strength: 0 for a flat field, 1 for elements on a tube of 95 mm radius.
    """
    y, z, x = grid.open()
    total = np.float32(0)
    for angle in np.arange(8) * (np.pi / 4) + 0.3:
        away = (y - 95 * np.cos(angle)) ** 2 + (x - 95 * np.sin(angle)) ** 2
        total = total + (1 / (1 + (away + (0.7 * (z - 5)) ** 2) / 60.0**2)) ** 2
    shading = np.sqrt(total)
    return 1 + strength * (shading / shading.mean() - 1)


def add_rician_noise(
    signal: np.ndarray, sd: float, seed: int, echo: int = 0
) -> np.ndarray:
    """Magnitude of the signal with Gaussian noise in both channels (Gudbjartsson 1995).

    Args:
      signal: float32, any shape.
      sd: standard deviation a channel, in units of the signal.
      seed: entropy.
      echo: number of the echo, each of which has noise of its own.
    """
    random = np.random.default_rng((seed, 60 + echo))
    real = signal + sd * random.standard_normal(signal.shape, dtype=np.float32)
    imaginary = sd * random.standard_normal(signal.shape, dtype=np.float32)
    return np.hypot(real, imaginary)
