"""A painted anatomy as a scanner would have seen it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import ndimage

from deepresolve.imaging.regridding import resample_image
from deepresolve.simulation.painting.contrast import FATTY, TISSUES
from deepresolve.simulation.painting.fields import smooth
from deepresolve.simulation.painting.priors import Priors
from deepresolve.simulation.painting.surroundings import NUMBERS

_TEXTURES_MM = (1.0, 4.0)
_SHADING_MM = 60.0


def painted(
    tissues: np.ndarray,
    signal: Mapping[str, float],
    spacing_mm: Sequence[float],
    random: np.random.Generator,
    priors: Priors,
) -> np.ndarray:
    """Signal of every voxel, float32: tissues with their textures, fat displaced.

    Args:
      tissues: (I, J, K) uint8 numbers of `surroundings.NUMBERS`.
      signal: by tissue, the brightest one being 1.
      spacing_mm: between voxels.
      random: to draw from.
      priors: uses texture, chemical_shift_pixels and shading.
    """
    shape = tissues.shape
    level = np.array([signal[name] for name in TISSUES], np.float32)
    texture = sum(smooth(shape, spacing_mm, mm, random) for mm in _TEXTURES_MM)
    depth = random.uniform(*priors.texture, len(TISSUES)).astype(np.float32)
    image = level[tissues] * (1 + depth[tissues] * texture)
    image = np.maximum(image, 0, out=image)
    image = _fat_displaced(image, tissues, random, priors)
    if (deviation := random.uniform(*priors.shading)) > 0:
        image *= np.exp(deviation * smooth(shape, spacing_mm, _SHADING_MM, random))
    return image


def acquired(
    image: np.ndarray,
    spacing_mm: Sequence[float],
    shape: Sequence[int],
    random: np.random.Generator,
    priors: Priors,
) -> np.ndarray:
    """Voxels of another size: averaged, blurred, with ghosts and Rician noise, float32.

    Args:
      image: (I, J, K) signal; slices last.
      spacing_mm: between its voxels.
      shape: of the scan.
      random: to draw from.
      priors: uses blur_mm, ghost and noise.
    """
    scan = resample_image(image, shape)
    pixels_mm = np.multiply(spacing_mm, np.divide(image.shape, shape))[:2]
    blur = random.uniform(*priors.blur_mm) / pixels_mm
    scan = ndimage.gaussian_filter(scan, (*blur, 0))
    phase = int(random.integers(2))
    moved = int(random.uniform(0.2, 0.5) * shape[phase])
    scan = scan + random.uniform(*priors.ghost) * np.roll(scan, moved, axis=phase)
    top = float(np.percentile(scan, 99.5))
    noise = random.uniform(*priors.noise) * top
    real, imaginary = random.normal(0, noise, (2, *scan.shape)).astype(np.float32)
    return np.hypot(scan + real, imaginary)


def _fat_displaced(
    image: np.ndarray,
    tissues: np.ndarray,
    random: np.random.Generator,
    priors: Priors,
) -> np.ndarray:
    """Fat where the scanner takes it to be: some pixels along the read-out."""
    by = round(random.uniform(*priors.chemical_shift_pixels))
    if not by:
        return image
    axis = int(random.integers(2))
    fat = image * np.isin(tissues, [NUMBERS[name] for name in FATTY])
    return image - fat + np.roll(fat, by * random.choice((-1, 1)), axis=axis)
