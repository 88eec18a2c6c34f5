"""How much of a volume a segmentation network takes at once.

Served models have their own, `graphs.blending`, for a graph learns a
volume's shape only from the request; `test_blending` holds both to literals.
"""

from __future__ import annotations

from deepresolve import networks
from deepresolve.config import Config, Shape
from deepresolve.inference.tiling import DEFAULT_OVERLAP

# What a U-Net holds at full size when it holds most, as multiples of `num_features`
# channels: 4 to join the encoder's features with those from the level below, and the
# working memory of convolutions. Measured: 4.8 to 5.9 (seg_cnn), 3.5 (segnet_2d).
_LIVE_FEATURE_MAPS = 6
_LIVE_OUTPUTS = 2  # the window's probabilities, and the same weighted
_BYTES_PER_CHANNEL = 4


def fitting_window(shape: Shape, config: Config, memory_gib: float) -> Shape:
    """The largest window of whole slices whose features fit into memory.

    A whole volume in one pass is best. Where it does not fit, fewer slices go through
    at once; where not even as many fit as a training patch has, the window is that
    patch, the smallest that the network knows. The estimate for a voxel: float32
    numbers, six times `num_features` and twice the number of outputs.

    Args:
      shape: (rows, columns, slices) of the volume.
      config: uses model, class_names, num_features, num_levels and patch_shape.
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
    num_channels = _LIVE_FEATURE_MAPS * config.num_features
    num_channels += _LIVE_OUTPUTS * (len(config.class_names) + 1)
    return _BYTES_PER_CHANNEL * num_channels


def slice_multiple(config: Config) -> int:
    """What the network fills the slices of a window up to: that takes memory too."""
    return 1 if is_slicewise(config) else 2 ** (config.num_levels - 1)


def window_overlaps(config: Config) -> tuple[float, float, float]:
    """Share of a window that it has in common with the next, along each axis."""
    across_slices = 0.0 if is_slicewise(config) else DEFAULT_OVERLAP
    return DEFAULT_OVERLAP, DEFAULT_OVERLAP, across_slices


def is_slicewise(config: Config) -> bool:
    """Whether the network sees one slice at a time."""
    return config.model in networks.SLICEWISE
