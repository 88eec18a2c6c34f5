"""A small network after MRNet: features of each slice, the maximum over slices.

Bien, PLoS Medicine 2018 (15:e1002699): AlexNet's features of each slice, the mean over
its pixels, the maximum over slices, a dense layer. AlexNet begins there with weights
learned from photographs; this backbone is ours, small enough to learn from nothing.
"""

from __future__ import annotations

import itertools

import keras

from deepresolve.networks.layers import BatchToSlices, SlicesToBatch
from deepresolve.networks.model import Model, Settings
from deepresolve.networks.scan_labels import convolve, scan_model
from deepresolve.system.keras_stack import Tensor


def build(config: Settings, precision: str = "float32") -> keras.Model:
    """Scan in, probability of each output out.

    Args:
      config: uses num_levels, num_features (doubled at each level), outputs and seed.
      precision: Keras dtype policy; input and output are float32.

    Returns:
      A model from (batch, rows, columns, slices, 1), scaled to 0..1, any size, to
      (batch, outputs).
    """
    return scan_model(_features, config, precision, "mean", "mrnet")


def _features(image: Tensor, config: Settings, precision: str) -> Tensor:
    """Two convolutions a level, and half the pixels at the next one."""
    seeds = itertools.count(config.seed + 1)
    x = SlicesToBatch(dtype="float32", name="slices")(image)
    for level in range(config.num_levels):
        if level:
            pool = keras.layers.MaxPooling2D(
                padding="same", dtype=precision, name=f"halve_{level}"
            )
            x = pool(x)
        for number in (1, 2):
            x = convolve(
                *(x, config.num_features << level, 3),
                seed=next(seeds),
                precision=precision,
                name=f"level_{level + 1}_{number}",
            )
    return BatchToSlices(dtype=precision, name="volumes")([x, image])


MODEL = Model(build, title="MRNet, small", engine="whole", slicewise=True)
