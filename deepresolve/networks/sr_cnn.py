"""SR-CNN: the residual 3D network of the abstract, after VDSR (Kim, CVPR 2016)."""

from __future__ import annotations

import math

import keras

from deepresolve.networks.layers import Fold, Unfold
from deepresolve.networks.model import Model, Settings

# "A zero-initialised last layer learned nothing": it starts small instead, so that the
# untrained network is nearly the interpolation that it improves.
_LAST_LAYER_STDDEV = 1e-3


def build(config: Settings, precision: str = "float32") -> keras.Model:
    """Interpolated volume in, interpolated volume plus learned residual out.

    With `config.fold` above 1 the convolutions run on a coarser grid (see `Fold`).

    Args:
      config: uses num_layers, num_features and fold.
      precision: Keras dtype policy of the convolutions; input and output are float32.

    Returns:
      A model from (batch, rows, columns, slices, 1) to the same shape, any size;
      intensities scaled to 0..1.
    """
    interpolated = keras.Input(
        (None, None, None, 1), dtype="float32", name="interpolated"
    )
    x = interpolated
    folded = config.fold != (1, 1, 1)
    if folded:
        x = Fold(config.fold, dtype=precision, name="fold")(x)
    for number in range(1, config.num_layers):
        x = keras.layers.Conv3D(
            config.num_features,
            3,
            padding="same",
            data_format="channels_last",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(config.seed + number),
            dtype=precision,
            name=f"conv_{number}",
        )(x)
    x = keras.layers.Conv3D(
        math.prod(config.fold),
        3,
        padding="same",
        data_format="channels_last",
        kernel_initializer=keras.initializers.RandomNormal(
            stddev=_LAST_LAYER_STDDEV, seed=config.seed
        ),
        dtype=precision,
        name="residual",
    )(x)
    if folded:
        x = Unfold(config.fold, dtype="float32", name="unfold")([x, interpolated])
    improved = keras.layers.Add(dtype="float32", name="improved")([interpolated, x])
    return keras.Model(interpolated, improved, name="sr_cnn")


MODEL = Model(build, title="SR-CNN", engine="stream")
