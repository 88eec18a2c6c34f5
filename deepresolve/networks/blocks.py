"""What the segmentation networks are made of, for images and volumes alike."""

from __future__ import annotations

import math
from typing import NamedTuple

import keras

from deepresolve.config.fields import Shape
from deepresolve.networks.layers import Unfold
from deepresolve.system.keras_stack import Tensor, shares_batches

# Keras's 0.99 would still hold much of its start after a short run's few hundred steps.
_NORMALISATION_MOMENTUM = 0.95

# Name of the layer that tells the classes, or begins to.
LOGITS = "logits"

_CONVOLUTIONS = {4: keras.layers.Conv2D, 5: keras.layers.Conv3D}  # by rank of the input


class Unfolding(NamedTuple):
    """What becomes of the logits of a folded grid.

    Attributes:
      factors: by which the voxels were folded.
      image: what was folded, (batch, I, J, K, 1): its voxels are classified.
      num_fine_features: of `sharpened`; 0: the logits are left as they are.
    """

    factors: Shape
    image: Tensor
    num_fine_features: int = 0


def convolve(
    x: Tensor,
    num_features: int,
    kernel_size: int | Shape = 3,
    *,
    seed: int,
    precision: str,
    name: str,
) -> Tensor:
    """A convolution, batch normalisation and ReLU.

    The convolution has no bias: the normalisation's offset takes its place.
    Devices that share a batch normalise by the statistics of all of it.

    Args:
      x: (batch, I, J, C), or (batch, I, J, K, C) for a convolution in 3D.
      num_features: channels of the result.
      kernel_size: voxels that the convolution sees, each way or along each axis.
      seed: of the initial weights (He).
      precision: Keras dtype policy.
      name: of the convolution; the layers after it add what they do.

    Returns:
      The same spatial shape with `num_features` channels.
    """
    x = _CONVOLUTIONS[len(x.shape)](
        num_features,
        kernel_size,
        padding="same",
        data_format="channels_last",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(seed),
        dtype=precision,
        name=name,
    )(x)
    x = keras.layers.BatchNormalization(
        momentum=_NORMALISATION_MOMENTUM,
        synchronized=shares_batches(),
        dtype=precision,
        name=f"{name}_normalised",
    )(x)
    return keras.layers.ReLU(dtype=precision, name=f"{name}_relu")(x)


def classify(
    x: Tensor,
    num_classes: int,
    kernel_size: int,
    *,
    seed: int,
    precision: str,
    unfolding: Unfolding | None = None,
) -> Tensor:
    """A last convolution and the softmax, which is float32 whatever the precision.

    Args:
      x: (batch, I, J, C) or (batch, I, J, K, C).
      num_classes: classes, background included.
      kernel_size: voxels each way of the convolution.
      seed: of the initial weights (Glorot).
      precision: Keras dtype policy of the convolution.
      unfolding: of a folded `x`.

    Returns:
      The same spatial shape with the probabilities of the classes, float32.
    """
    logits = _CONVOLUTIONS[len(x.shape)](
        num_classes * (math.prod(unfolding.factors) if unfolding else 1),
        kernel_size,
        padding="same",
        data_format="channels_last",
        kernel_initializer=keras.initializers.GlorotUniform(seed),
        dtype=precision,
        name=LOGITS,
    )(x)
    if unfolding:
        unfold = Unfold(unfolding.factors, dtype=precision, name="unfold")
        logits = unfold([logits, unfolding.image])
        if unfolding.num_fine_features:
            logits = _sharpened(logits, unfolding, seed, precision)
    return keras.layers.Activation("softmax", dtype="float32", name="probabilities")(
        logits
    )


def _sharpened(
    logits: Tensor, unfolding: Unfolding, seed: int, precision: str
) -> Tensor:
    """Logits with their edges where the image has them.

    A folded grid has fewer features than voxels to tell apart. Two convolutions over
    3 x 3 voxels of a slice see the image as it was, and what the folded grid says of
    it, and tell what to add. They begin by adding nothing.
    """
    x = keras.layers.Concatenate(dtype=precision, name="fine_join")(
        [unfolding.image, logits]
    )
    for number in (1, 2):
        x = convolve(
            x,
            unfolding.num_fine_features,
            (3, 3, 1),
            seed=seed + number,
            precision=precision,
            name=f"fine_{number}",
        )
    added = keras.layers.Conv3D(
        logits.shape[-1],
        1,
        data_format="channels_last",
        kernel_initializer="zeros",
        dtype=precision,
        name="fine_logits",
    )(x)
    return keras.layers.Add(dtype=precision, name="fine_sum")([logits, added])
