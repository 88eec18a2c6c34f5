"""Layers that Keras lacks: one idea a module."""

from deepresolve.networks.layers.folding import Fold, Unfold, fold, unfold
from deepresolve.networks.layers.normalisation import FusedBatchNormalization
from deepresolve.networks.layers.padding import Crop, Pad
from deepresolve.networks.layers.slice_maximum import SliceMaximum
from deepresolve.networks.layers.slices import BatchToSlices, SlicesToBatch
from deepresolve.networks.layers.unpooling import (
    MaxPoolingWithIndices2D,
    MaxUnpooling2D,
)

_LAYERS = (
    BatchToSlices,
    Crop,
    Fold,
    FusedBatchNormalization,
    MaxPoolingWithIndices2D,
    MaxUnpooling2D,
    Pad,
    SliceMaximum,
    SlicesToBatch,
    Unfold,
)

# For `keras.models.load_model`, which must know them by name.
CUSTOM_OBJECTS = {layer.__name__: layer for layer in _LAYERS}

__all__ = [
    "CUSTOM_OBJECTS",
    "BatchToSlices",
    "Crop",
    "Fold",
    "FusedBatchNormalization",
    "MaxPoolingWithIndices2D",
    "MaxUnpooling2D",
    "Pad",
    "SliceMaximum",
    "SlicesToBatch",
    "Unfold",
    "fold",
    "unfold",
]
