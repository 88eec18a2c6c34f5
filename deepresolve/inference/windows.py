"""How much of a volume a segmentation network takes at once.

Served models have their own, `graphs.blending`, for a graph learns a
volume's shape only from the request; `test_blending` holds both to literals.
"""

from __future__ import annotations

from deepresolve.config import Config
from deepresolve.config.fields import Shape
from deepresolve.inference.tiling import DEFAULT_OVERLAP
from deepresolve.networks import find_model

_BYTES_PER_CHANNEL = 4


def fitting_window(shape: Shape, config: Config, memory_gib: float) -> Shape:
    """The largest window of whole slices whose features fit into memory.

    A whole volume in one pass is best. Where it does not fit, fewer slices go through
    at once; where not even as many fit as a training patch has, the window is that
    patch, the smallest that the network knows. The estimate for a voxel: float32
    numbers, as many as the network's `live_channels`.

    Args:
      shape: (rows, columns, slices) of the volume.
      config: uses patch_shape, and what the network asks for.
      memory_gib: for what the network holds of a window, in GiB.

    Returns:
      (rows, columns, slices); may be larger than the volume.
    """
    rows, columns, slices = shape
    fitting = int(memory_gib * 2**30 / (bytes_per_voxel(config) * rows * columns))
    step = slice_multiple(config)
    fitting = fitting // step * step
    if fitting >= min(slices, config.patch_shape[2]):
        return rows, columns, min(slices, fitting)
    return config.patch_shape


def bytes_per_voxel(config: Config) -> int:
    """Estimate of what the network holds of a window, for each of its voxels."""
    return _BYTES_PER_CHANNEL * find_model(config).live_channels(config)


def slice_multiple(config: Config) -> int:
    """What the network fills the slices of a window up to: that takes memory too."""
    return find_model(config).slice_multiple(config)


def window_overlaps(config: Config) -> tuple[float, float, float]:
    """Share of a window that it has in common with the next, along each axis."""
    across_slices = 0.0 if is_slicewise(config) else DEFAULT_OVERLAP
    return DEFAULT_OVERLAP, DEFAULT_OVERLAP, across_slices


def is_slicewise(config: Config) -> bool:
    """Whether the network sees one slice at a time."""
    return find_model(config).slicewise
