"""What the networks that grade whole scans are made of.

Each ends alike: a volume of features, layer "features", whose slices are those of the
scan; pooled within each slice, the maximum over slices, layer "pooled"; one output a
question, layers "logits" and "probabilities".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import keras

from deepresolve.networks.layers import SliceMaximum
from deepresolve.networks.layers.slice_maximum import Within
from deepresolve.networks.model import Settings
from deepresolve.system.keras_stack import Tensor

FEATURES, POOLED, LOGITS = "features", "pooled", "logits"
# Channels that are normalised together (Wu and He, ECCV 2018, find 16 or more groups
# and few channels alike); small networks have fewer.
_GROUPS = 8

_CONVOLUTIONS = {4: keras.layers.Conv2D, 5: keras.layers.Conv3D}  # by rank of the input


def scan_model(
    features: Callable[[Tensor, Settings, str], Tensor],
    config: Settings,
    precision: str,
    within: Within,
    name: str,
) -> keras.Model:
    """A network that answers questions on a whole scan.

    Args:
      features: from (batch, I, J, K, 1), the config and the precision to
        (batch, I', J', K, C).
      config: uses outputs, one of which is a question, and seed.
      precision: Keras dtype policy of the features.
      within: how features are pooled within a slice: "mean" or "max".
      name: of the network.

    Returns:
      A model from (batch, rows, columns, slices, 1), scaled to 0..1, any size, to
      (batch, outputs) float32, each the probability that the answer is yes. A slice
      whose pixels are all alike has no say.
    """
    image = keras.Input((None, None, None, 1), dtype="float32", name="image")
    volume = keras.layers.Activation("linear", dtype="float32", name=FEATURES)(
        features(image, config, precision)
    )
    pooled = SliceMaximum(within, dtype="float32", name=POOLED)([volume, image])
    logits = keras.layers.Dense(
        len(config.outputs),
        kernel_initializer=keras.initializers.GlorotUniform(config.seed),
        dtype="float32",
        name=LOGITS,
    )(pooled)
    answers = keras.layers.Activation("sigmoid", dtype="float32", name="probabilities")
    return keras.Model(image, answers(logits), name=name)


def convolve(
    x: Tensor,
    num_features: int,
    kernel_size: int | Sequence[int],
    *,
    seed: int,
    precision: str,
    name: str,
) -> Tensor:
    """A convolution, normalisation of groups of channels, and ReLU.

    Each example is normalised by itself, so that batches of one scan learn, and learn
    what they will predict by (Wu and He, ECCV 2018).

    Args:
      x: (batch, I, J, C), or (batch, I, J, K, C).
      num_features: channels of the result.
      kernel_size: voxels along each axis.
      seed: of the initial weights (He).
      precision: Keras dtype policy.
      name: of the convolution.
    """
    x = _CONVOLUTIONS[len(x.shape)](
        num_features,
        kernel_size,
        padding="same",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(seed),
        dtype=precision,
        name=name,
    )(x)
    x = keras.layers.GroupNormalization(
        math.gcd(_GROUPS, num_features), dtype=precision, name=f"{name}_normalised"
    )(x)
    return keras.layers.ReLU(dtype=precision, name=f"{name}_relu")(x)
