"""Synthetic knees as a sagittal DESS scan shows them, with labels and thickness.

    phantom = knee(seed=7, side="left", shape=(160, 160, 120))
    phantom.image, phantom.label, phantom.thickness_mm    # one grid, three volumes
    labelled(seed=7, side="left", shape=(160, 160, 120))  # all but the image, sooner
    knee(seed=7, later_ms=30).second_echo                 # the image 30 ms later
    knee(seed=7, lesions=[lesions.draw("meniscus", 7)])   # the same knee, torn

The anatomy is defined in continuous millimetres and drawn from the seed: the same seed
gives the same knee at any shape and spacing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from deepresolve.imaging.volume import Volume, affine_from_dicom
from deepresolve.simulation.phantom import (
    bones,
    damage,
    parameters,
    signal,
    sites,
    soft_tissue,
    truth,
)
from deepresolve.simulation.phantom.lattice import Field, Grid, lattice_around
from deepresolve.simulation.phantom.lesions import Finding, Lesion
from deepresolve.simulation.phantom.truth import LABEL_NAMES, LESION_NAMES

__all__ = [
    "LABEL_NAMES",
    "LESION_NAMES",
    "SIDES",
    "Labelled",
    "Phantom",
    "knee",
    "labelled",
]

SIDES = ("left", "right")
# Middle of the field of view (y, z, x) from the middle of the tibial plateau, mm.
_CENTRE_MM = (6.0, 7.0, 0.0)
# Signal of cartilage in the image's units, as a 3 T scanner writes it.
_CARTILAGE_UNITS = 2900.0
_LATTICE_MM = 1.25
_MARGIN_MM = 9.0
# Voxels are the mean of cells that are at most this large and nearly cubes.
_LARGEST_CELL_MM = 0.85
_LARGEST_ASPECT = 1.5
_SLAB_POINTS = 600_000


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Labelled:
    """What is where in one synthetic knee.

    Attributes:
      label: uint8, numbered as in `LABEL_NAMES`, 0 elsewhere; ordered like a sagittal
        NIfTI ("PIR"), slices last. What a defect took is no cartilage; a torn meniscus
        is meniscus.
      thickness_mm: float32, thickness of what is left of the designed cartilage at the
        voxels that a cartilage label covers, measured along the normal of the bone
        below; 0 elsewhere; same grid.
      t2_ms: float32, T2 of the same voxels' centres in ms; 0 elsewhere; same grid.
      lesion: uint8, numbered as in `LESION_NAMES`, 0 elsewhere; same grid.
      findings: the lesions, in the order in which they were asked for.
      side: "left" or "right".
    """

    label: Volume
    thickness_mm: Volume
    t2_ms: Volume
    lesion: Volume
    findings: tuple[Finding, ...]
    side: str


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Phantom(Labelled):
    """One synthetic knee.

    Attributes:
      image: int16 magnitude image, on the grid of `label`.
      second_echo: the same knee later, with noise of its own; None where none was asked
        for.
    """

    image: Volume
    second_echo: Volume | None = None


def knee(
    *,
    seed: int,
    side: str = "right",
    shape: Sequence[int] = (160, 160, 120),
    spacing_mm: Sequence[float] = (0.75, 0.75, 0.75),
    noise_sd: float = 0.025,
    shading: float = 0.7,
    later_ms: float = 0.0,
    lesions: Sequence[Lesion] = (),
) -> Phantom:
    """A knee drawn from a seed.

    Args:
      seed: 0 or above; the anatomy, its textures and the noise follow from it.
      side: "left" or "right"; a left knee mirrors the right one of the same seed.
      shape: voxels along the array's axes: posterior, inferior, right (slices).
      spacing_mm: distance between voxel centres along the same axes.
      noise_sd: Rician noise: standard deviation a channel, cartilage being 1.
      shading: 0 for a flat field, 1 for the shading of a close-fitting coil.
      later_ms: how much later than the image the second echo comes; 0: there is none.
      lesions: what is wrong with it (`phantom.lesions`); all else stays as it is.

    Returns:
      A `Phantom`. The field of view is centred on the joint.

    Raises:
      ValueError: an argument is out of its range, or a lesion lies out of the field of
        view.
    """
    _check(seed, side, shape, spacing_mm, noise_sd, shading, later_ms)
    grid = _voxel_centres(side, shape, spacing_mm)
    anatomy = _anatomy(grid, seed, lesions)
    found = _labelled(anatomy, lesions, side, grid)
    times_ms = (0.0, later_ms) if later_ms else (0.0,)
    echoes = []
    for number, time_ms in enumerate(times_ms):
        clean = _noise_free(anatomy, grid, time_ms)
        if shading:
            clean *= signal.coil_shading(grid, shading)
        noisy = clean
        if noise_sd:
            noisy = signal.add_rician_noise(clean, noise_sd, seed, number)
        scaled = np.clip(np.rint(noisy * _CARTILAGE_UNITS), 0, np.iinfo(np.int16).max)
        echoes.append(found.label.with_array(scaled.astype(np.int16)))
    return Phantom(
        **vars(found), image=echoes[0], second_echo=echoes[1] if later_ms else None
    )


def labelled(
    *,
    seed: int,
    side: str = "right",
    shape: Sequence[int] = (160, 160, 120),
    spacing_mm: Sequence[float] = (0.75, 0.75, 0.75),
    lesions: Sequence[Lesion] = (),
) -> Labelled:
    """All of `knee` but the image, which takes longest.

    Args:
      seed: 0 or above; the anatomy follows from it.
      side: "left" or "right"; a left knee mirrors the right one of the same seed.
      shape: voxels along the array's axes: posterior, inferior, right (slices).
      spacing_mm: distance between voxel centres along the same axes.
      lesions: what is wrong with it (`phantom.lesions`).

    Raises:
      ValueError: an argument is out of its range, or a lesion lies out of the field of
        view.
    """
    _check(seed, side, shape, spacing_mm)
    grid = _voxel_centres(side, shape, spacing_mm)
    return _labelled(_anatomy(grid, seed, lesions, is_whole=False), lesions, side, grid)


def _check(
    seed: int,
    side: str,
    shape: Sequence[int],
    spacing_mm: Sequence[float],
    noise_sd: float = 0.0,
    shading: float = 0.0,
    later_ms: float = 0.0,
) -> None:
    if seed != int(seed) or seed < 0:
        raise ValueError(f"seed must be a whole number, 0 or above; got {seed}.")
    if side not in SIDES:
        raise ValueError(f"side must be one of {SIDES}; got {side!r}.")
    if len(shape) != 3 or any(n != int(n) or n < 1 for n in shape):
        raise ValueError(f"shape must be three whole numbers above 0; got {shape}.")
    if len(spacing_mm) != 3 or not all(s > 0 for s in spacing_mm):
        raise ValueError(f"spacing_mm must be three lengths above 0; got {spacing_mm}.")
    if not noise_sd >= 0:
        raise ValueError(f"noise_sd must be 0 or above; got {noise_sd}.")
    if not 0 <= shading <= 1:
        raise ValueError(f"shading must lie in 0..1; got {shading}.")
    if not 0 <= later_ms < np.inf:
        raise ValueError(f"later_ms must be finite, 0 or above; got {later_ms}.")


def _voxel_centres(
    side: str, shape: Sequence[int], spacing_mm: Sequence[float]
) -> Grid:
    """Anatomical coordinates of the voxels; x grows laterally on either side."""
    lateral = 1 if side == "right" else -1
    directions = (-1, -1, lateral)
    axes = (
        centre + direction * spacing * (np.arange(count) - (count - 1) / 2)
        for centre, direction, spacing, count in zip(
            _CENTRE_MM, directions, spacing_mm, shape, strict=True
        )
    )
    return Grid.along(axes, map(float, spacing_mm))


def _volume(array: np.ndarray, side: str, grid: Grid) -> Volume:
    lateral_to_left = -1.0 if side == "right" else 1.0
    between_columns, between_rows, between_slices = grid.spacing_mm
    affine = affine_from_dicom(
        position=(lateral_to_left * grid.x[0], -grid.y[0], grid.z[0]),
        slice_step=(-between_slices, 0.0, 0.0),
        orientation=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0),
        pixel_spacing=(between_rows, between_columns),
    )
    return Volume(array, affine, slice_axis=2, slice_thickness_mm=between_slices)


def _anatomy(
    grid: Grid, seed: int, lesions: Sequence[Lesion], *, is_whole: bool = True
) -> signal.Anatomy:
    """What lies in a field of view; not whole: bones and menisci alone."""
    drawn = parameters.draw(seed)
    lattice = lattice_around(grid, _LATTICE_MM, _MARGIN_MM)
    whole = bones.build(lattice, drawn, bones.fit(drawn))
    if is_whole:
        soft = soft_tissue.build(lattice, whole, drawn)
    else:
        soft = soft_tissue.menisci(lattice, drawn)
    return signal.Anatomy(
        bones=_cropped(whole),
        soft=_cropped_soft(soft),
        seed=seed,
        damage=damage.build(lesions, whole, soft, drawn),
    )


def _cropped(whole: Mapping[str, bones.Bone]) -> dict[str, bones.Bone]:
    return {name: bone.cropped(6.0) for name, bone in whole.items()}


def _cropped_soft(fields: Mapping[str, Field]) -> dict[str, Field]:
    return {name: field.around(3.0) for name, field in fields.items()}


def _noise_free(
    anatomy: signal.Anatomy, grid: Grid, later_ms: float = 0.0
) -> np.ndarray:
    """Mean signal over each voxel, a slab of the first axis at a time."""
    largest = min(_LARGEST_CELL_MM, _LARGEST_ASPECT * min(grid.spacing_mm))
    counts = [int(np.ceil(s / largest)) for s in grid.spacing_mm]
    fine = _cells(grid, counts)
    painter = signal.Painter(anatomy)
    image = np.empty(grid.shape, dtype=np.float32)
    rows = max(1, int(_SLAB_POINTS / (fine.shape[1] * fine.shape[2] * counts[0])))
    for start in range(0, grid.shape[0], rows):
        stop = min(start + rows, grid.shape[0])
        slab = fine.window(
            (slice(start * counts[0], stop * counts[0]), slice(None), slice(None))
        )
        # Axes: voxel and cell within it, for (y, z, x).
        cells = painter.render(slab, later_ms).reshape(
            stop - start, counts[0], grid.shape[1], counts[1], grid.shape[2], counts[2]
        )
        image[start:stop] = cells.mean(axis=(1, 3, 5))
    return image


def _cells(grid: Grid, counts: Sequence[int]) -> Grid:
    """Centres of the equal cells of every voxel, `counts` of them along each axis."""
    axes = []
    for positions, spacing, count in zip(
        grid.axes, grid.spacing_mm, counts, strict=True
    ):
        offsets = ((np.arange(count) + 0.5) / count - 0.5) * spacing
        axes.append((positions[:, None] + offsets).ravel())
    sizes = (s / n for s, n in zip(grid.spacing_mm, counts, strict=True))
    return Grid.along(axes, sizes)


def _labelled(
    anatomy: signal.Anatomy, lesions: Sequence[Lesion], side: str, grid: Grid
) -> Labelled:
    found = truth.look_up(anatomy.bones, anatomy.soft, anatomy.damage, grid)
    places = (shape.place_mm for shape in anatomy.damage.shapes)
    findings = (
        _finding(lesion, place_mm, side, grid)
        for lesion, place_mm in zip(lesions, places, strict=True)
    )
    label = _volume(found.label, side, grid)
    return Labelled(
        label=label,
        thickness_mm=label.with_array(found.thickness_mm),
        t2_ms=label.with_array(found.t2_ms),
        lesion=label.with_array(found.lesion),
        findings=tuple(findings),
        side=side,
    )


def _finding(lesion: Lesion, place_mm: np.ndarray, side: str, grid: Grid) -> Finding:
    """A lesion with its place, from anatomical (y, z, x) to world (x, y, z)."""
    y, z, x = map(float, place_mm)
    for own, axis, spacing in zip((y, z, x), grid.axes, grid.spacing_mm, strict=True):
        if not axis.min() - spacing / 2 <= own <= axis.max() + spacing / 2:
            raise sites.not_in_view(lesion.region)
    return Finding(lesion, (x if side == "right" else -x, y, z))
