"""The 2D network of super-resolution by views: after SMORE (Zhao, IEEE TMI 2021).

A view is the image of a thick-slice scan that lies across its slices: one in-plane axis
by the slices. The network takes it as it was acquired, without interpolation, and gives
what is to be added to the interpolation in each of `NUM_PARTS` equal parts of each
slice. Parts are then averaged to thin slices of whatever spacing, so that one network
serves every factor, whole or not.
"""

from __future__ import annotations

import keras

from deepresolve.networks.model import Model, Settings

# Parts of a thick slice. Averages of them make slices of half the spacing to an eighth.
NUM_PARTS = 8
# The scan, and what is known of it: slice thickness and pixels as shares of the slice
# spacing, and 1 for slices that were phase-encoded (`slice_profile`, "fir").
NUM_INPUTS = 4
# In-plane pixels that are one place for the convolutions: a slice is many pixels thick,
# and what lies across an oblique edge is found some millimetres along it.
PIXEL_FOLD = 2
_KERNEL = 3
_LAST_LAYER_STDDEV = 1e-3


def build(config: Settings, precision: str = "float32") -> keras.Model:
    """Views of thick slices in, what their parts add to the interpolation out.

    Args:
      config: uses num_layers, num_features and seed.
      precision: Keras dtype policy of the convolutions; input and output are float32.

    Returns:
      A model from (batch, pixels, slices, NUM_INPUTS) to (batch, pixels, slices,
      NUM_PARTS), of an even number of pixels; intensities scaled to 0..1.
    """
    views = keras.Input((None, None, NUM_INPUTS), dtype="float32", name="views")
    # A kernel of three folded places each way along the pixels.
    wide = (_KERNEL * PIXEL_FOLD, _KERNEL)
    x = views
    for number in range(1, config.num_layers):
        x = keras.layers.Conv2D(
            config.num_features,
            wide if number == 1 else _KERNEL,
            strides=(PIXEL_FOLD, 1) if number == 1 else 1,
            padding="same",
            data_format="channels_last",
            activation="relu",
            kernel_initializer=keras.initializers.HeNormal(config.seed + number),
            dtype=precision,
            name=f"conv_{number}",
        )(x)
    x = keras.layers.Conv2DTranspose(
        NUM_PARTS,
        wide,
        strides=(PIXEL_FOLD, 1),
        padding="same",
        data_format="channels_last",
        kernel_initializer=keras.initializers.RandomNormal(
            stddev=_LAST_LAYER_STDDEV, seed=config.seed
        ),
        dtype=precision,
        name="parts",
    )(x)
    added = keras.layers.Activation("linear", dtype="float32", name="added")(x)
    return keras.Model(views, added, name="sr_views")


MODEL = Model(build, title="SR views", engine="views")
