"""A small 3D network whose slices see their neighbours; all of it ours.

As 3D networks of menisci and cartilage do (Pedoia, JMRI 2019; Tack, Front. Bioeng.
2021), it convolves along the slices, too; pixels are halved, slices never, so that
thick slices stay what they are and each keeps its place.
"""

from __future__ import annotations

import itertools

import keras

from deepresolve.networks.model import Model, Settings
from deepresolve.networks.scan_labels import convolve, scan_model
from deepresolve.system.keras_stack import Tensor


def build(config: Settings, precision: str = "float32") -> keras.Model:
    """Scan in, probability of each output out; the mean over each slice counts.

    Args:
      config: uses num_levels, num_features (doubled at each level), outputs and seed.
      precision: Keras dtype policy; input and output are float32.

    Returns:
      A model from (batch, rows, columns, slices, 1), scaled to 0..1, any size, to
      (batch, outputs).
    """
    return scan_model(_features, config, precision, "mean", "cnn_3d")


def build_of_maxima(config: Settings, precision: str = "float32") -> keras.Model:
    """The same, but the maximum over each slice counts: for signs of a few pixels.

    Args:
      config: uses num_levels, num_features (doubled at each level), outputs and seed.
      precision: Keras dtype policy; input and output are float32.

    Returns:
      A model from (batch, rows, columns, slices, 1), scaled to 0..1, any size, to
      (batch, outputs).
    """
    return scan_model(_features, config, precision, "max", "cnn_3d_max")


def _features(image: Tensor, config: Settings, precision: str) -> Tensor:
    """A convolution a level, and half the pixels at the next one."""
    seeds = itertools.count(config.seed + 1)
    x = image
    for level in range(config.num_levels):
        if level:
            pool = keras.layers.MaxPooling3D(
                (2, 2, 1), padding="same", dtype=precision, name=f"halve_{level}"
            )
            x = pool(x)
        x = convolve(
            *(x, config.num_features << level, 3),
            seed=next(seeds),
            precision=precision,
            name=f"level_{level + 1}",
        )
    return x


MODEL = Model(build, title="3D CNN", engine="whole")
MODEL_OF_MAXIMA = Model(build_of_maxima, title="3D CNN, maxima", engine="whole")
