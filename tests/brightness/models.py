"""Its network and its loss."""

from __future__ import annotations

import keras

from deepresolve.networks import Model


def build(config, precision: str = "float32") -> keras.Model:
    """From (batch, rows, columns, slices, 1) to (batch, 2): dark, bright."""
    image = keras.Input((None, None, None, 1), dtype="float32", name="image")
    mean = keras.layers.GlobalAveragePooling3D(dtype="float32", name="mean")(image)
    probabilities = keras.layers.Dense(
        2,
        activation="softmax",
        kernel_initializer=keras.initializers.HeNormal(config.seed),
        dtype="float32",
        name="probabilities",
    )(mean)
    return keras.Model(image, probabilities, name="pooled")


MODELS = {"pooled": Model(build, title="Pooled mean", engine="whole")}
LOSSES = {"cross_entropy": keras.losses.SparseCategoricalCrossentropy}
