"""What the segmentation networks are made of, for images and volumes alike."""

from __future__ import annotations

import math

import keras

from deepresolve.config.fields import Shape
from deepresolve.networks.layers import FusedBatchNormalization, Unfold
from deepresolve.system.keras_stack import Tensor, shares_batches

# Keras's 0.99 would still hold much of its start after a short run's few hundred steps.
_NORMALISATION_MOMENTUM = 0.95

_CONVOLUTIONS = {4: keras.layers.Conv2D, 5: keras.layers.Conv3D}  # by rank of the input


def convolve(
    x: Tensor, num_features: int, *, seed: int, precision: str, name: str
) -> Tensor:
    """A convolution over 3 voxels each way, batch normalisation and ReLU.

    The convolution has no bias: the normalisation's offset takes its place.
    Devices that share a batch normalise by the statistics of all of it.

    Args:
      x: (batch, I, J, C), or (batch, I, J, K, C) for a convolution in 3D.
      num_features: channels of the result.
      seed: of the initial weights (He).
      precision: Keras dtype policy.
      name: of the convolution; the layers after it add what they do.

    Returns:
      The same spatial shape with `num_features` channels.
    """
    x = _CONVOLUTIONS[len(x.shape)](
        num_features,
        3,
        padding="same",
        data_format="channels_last",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(seed),
        dtype=precision,
        name=name,
    )(x)
    x = FusedBatchNormalization(
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
    name: str,
    unfold: tuple[Shape, Tensor] | None = None,
) -> Tensor:
    """A last convolution and the softmax, which is float32 whatever the precision.

    Args:
      x: (batch, I, J, C) or (batch, I, J, K, C).
      num_classes: classes, background included.
      kernel_size: voxels each way of the convolution.
      seed: of the initial weights (Glorot).
      precision: Keras dtype policy of the convolution.
      name: of the convolution.
      unfold: of a folded `x` by which factors, and what it was folded from, the voxels
        of which are classified.

    Returns:
      The same spatial shape with the probabilities of the classes, float32.
    """
    logits = _CONVOLUTIONS[len(x.shape)](
        num_classes * (math.prod(unfold[0]) if unfold else 1),
        kernel_size,
        padding="same",
        data_format="channels_last",
        kernel_initializer=keras.initializers.GlorotUniform(seed),
        dtype=precision,
        name=name,
    )(x)
    if unfold:
        factors, like = unfold
        logits = Unfold(factors, dtype=precision, name="unfold")([logits, like])
    return keras.layers.Activation("softmax", dtype="float32", name="probabilities")(
        logits
    )
