"""What a network costs: parameters, and arithmetic for each voxel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import keras

# Of training. Forward; backward the gradient of each layer's input and of its weights,
# each as much work again. The first layer needs none of its input: a little is counted
# too much.
FORWARD_PASSES_PER_STEP = 3

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.Conv3D)
_TRANSPOSED = (keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)


def num_parameters(model: keras.Model) -> int:
    """Numbers that training learns; running means and variances are not among them."""
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def flop_per_voxel(model: keras.Model, shape: Sequence[int]) -> float:
    """Floating-point operations of the convolutions, for each voxel of the input.

    A multiplication and an addition count as two. Biases, normalisation, pooling and
    activations, about a hundredth of the whole, are left out.

    Args:
      model: a network of `deepresolve.networks`.
      shape: (rows, columns, slices) of one input, of a network of images its last two;
        it matters where sizes are padded.
    """
    _, *axes, channels = model.input.shape
    size = shape[-len(axes) :]
    image = keras.Input((*size, channels), batch_size=1)
    # Only where the input's size is known, Keras knows that of every layer.
    sized = keras.models.clone_model(model, input_tensors=image)
    return sum(_flop(layer) for layer in sized.layers) / math.prod(size)


def _flop(layer: keras.layers.Layer) -> int:
    """Those of one layer; 0 for what is no convolution."""
    if isinstance(layer, _TRANSPOSED):  # first: they are convolutions, too
        places = layer.input.shape
    elif isinstance(layer, _CONVOLUTIONS):
        places = layer.output.shape
    else:
        return 0
    # The kernel holds what is multiplied at each place: voxels, inputs and outputs.
    *positions, _ = places
    return 2 * math.prod(positions) * math.prod(layer.kernel.shape)
