"""ELNet: knee injuries by less than 1 MB of weights (Tsai, MIDL 2020).

arXiv 2005.02706: convolutions of each slice with residual connections;
normalisation over all slices of a scan together ("multi-slice normalisation"), here
each channel by itself; pooling that blurs before it drops pixels (Zhang, ICML 2019);
maxima over pixels and slices, a dense layer. With num_features=16 (K = 4 there) it has
the published widths: 16, 32, 64, 64, 64. The blur keeps its margin here, so that small
scans will do.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import keras

from deepresolve.networks.model import Model, Settings
from deepresolve.networks.scan_labels import scan_model
from deepresolve.system.keras_stack import Tensor

# Of each block: width in num_features, voxels of its kernels, convolutions.
_BLOCKS = ((1, 5, 2), (2, 3, 2), (4, 3, 1), (4, 3, 1))
_WIDEST = 4
# Means of two neighbours one after another are binomial: four give 1 4 6 4 1.
_MEANS_OF_TWO = 4


def build(config: Settings, precision: str = "float32") -> keras.Model:
    """Scan in, probability of each output out.

    Args:
      config: uses num_features, outputs and seed.
      precision: Keras dtype policy; input and output are float32.

    Returns:
      A model from (batch, rows, columns, slices, 1), scaled to 0..1, any size, to
      (batch, outputs).
    """
    return scan_model(_features, config, precision, "max", "elnet")


def _features(image: Tensor, config: Settings, precision: str) -> Tensor:
    seeds = itertools.count(config.seed + 1)
    widths = [config.num_features * times for times, _, _ in _BLOCKS[1:]]
    x = _convolve(image, config.num_features, 7, seeds, precision, "first", strides=2)
    x = _blur_pool(_normalise(x, precision, "first"), precision, "first")
    for number, ((_, size, repeats), width) in enumerate(
        zip(_BLOCKS, [*widths, config.num_features * _WIDEST], strict=True), start=1
    ):
        name = f"block_{number}"
        x = _residual(x, size, repeats, seeds, precision, name)
        x = _convolve(x, width, size, seeds, precision, f"{name}_wider")
        x = keras.layers.ReLU(dtype=precision, name=f"{name}_wider_relu")(x)
        x = _blur_pool(x, precision, name)
    return x


def _residual(
    x: Tensor, size: int, repeats: int, seeds: Iterator[int], precision: str, name: str
) -> Tensor:
    """What convolutions of the same width add to `x`."""
    added = x
    for number in range(1, repeats + 1):
        of = f"{name}_{number}"
        added = _convolve(added, x.shape[-1], size, seeds, precision, of)
        added = _normalise(added, precision, of)
    return keras.layers.Add(dtype=precision, name=f"{name}_sum")([x, added])


def _convolve(
    x: Tensor,
    num_features: int,
    size: int,
    seeds: Iterator[int],
    precision: str,
    name: str,
    strides: int = 1,
) -> Tensor:
    """Within each slice."""
    return keras.layers.Conv3D(
        num_features,
        (size, size, 1),
        strides=(strides, strides, 1),
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(next(seeds)),
        dtype=precision,
        name=name,
    )(x)


def _normalise(x: Tensor, precision: str, name: str) -> Tensor:
    """Over all slices together, each channel by itself; and ReLU."""
    x = keras.layers.GroupNormalization(-1, dtype=precision, name=f"{name}_normalised")(
        x
    )
    return keras.layers.ReLU(dtype=precision, name=f"{name}_relu")(x)


def _blur_pool(x: Tensor, precision: str, name: str) -> Tensor:
    """Blurs by the binomial filter of five pixels, and keeps every second one."""
    for number in range(1, _MEANS_OF_TWO + 1):
        step = 2 if number == _MEANS_OF_TWO else 1
        x = keras.layers.AveragePooling3D(
            (2, 2, 1),
            strides=(step, step, 1),
            padding="same",
            dtype=precision,
            name=f"{name}_blur_{number}",
        )(x)
    return x


MODEL = Model(build, title="ELNet", engine="whole")
