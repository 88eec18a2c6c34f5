"""SegNet slice by slice: the benchmark of the abstract (its reference 5).

Badrinarayanan et al., IEEE TPAMI 2017: the 13 convolutions of VGG16, each with batch
normalisation and ReLU; the same mirrored; the decoder's unpooling puts every value back
to where its maximum was. The mirror's last convolution gives the classes, as in the
authors' released network. For knees: Liu et al., MRM 2018.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

import keras

from deepresolve.networks.blocks import classify, convolve
from deepresolve.networks.layers import MaxPoolingWithIndices2D, MaxUnpooling2D
from deepresolve.networks.model import Model, Settings
from deepresolve.networks.slicewise import slicewise_model
from deepresolve.networks.unet import live_channels, num_resolutions
from deepresolve.system.keras_stack import Tensor

# VGG16 (Simonyan, ICLR 2015): convolutions of each stage, and its features over those
# of the first.
_CONVOLUTIONS = (2, 2, 3, 3, 3)
_FEATURES = (1, 2, 4, 8, 8)
_STAGES_WITH_DROPOUT = 2


def build(config: Settings, precision: str = "float32") -> keras.Model:
    """Volume in, probabilities of the classes out, each slice on its own.

    Args:
      config: uses num_levels (stages, of which VGG16 has 5), num_features, dropout
        (ours: after the last two poolings), class_names and seed.
      precision: Keras dtype policy; input and output are float32.

    Returns:
      A model from (batch, rows, columns, slices, 1), scaled to 0..1, to (batch, rows,
      columns, slices, C), background first; any size.

    Raises:
      ValueError: more levels than VGG16 has.
    """
    if config.num_levels > len(_CONVOLUTIONS):
        raise ValueError(
            f"SegNet has the {len(_CONVOLUTIONS)} stages of VGG16 or fewer; got "
            f"num_levels={config.num_levels}."
        )
    network = functools.partial(_segnet, config=config, precision=precision)
    return slicewise_model(network, 2**config.num_levels, "segnet_2d")


def _segnet(image: Tensor, config: Settings, precision: str) -> Tensor:
    """(batch, I, J, 1) -> (batch, I, J, C) probabilities."""
    seeds = itertools.count(config.seed)
    x, places = image, []
    for stage in range(config.num_levels):
        x, indices = _encode(x, stage, config, seeds, precision)
        places.append(indices)
    for stage in reversed(range(config.num_levels)):
        x = MaxUnpooling2D(dtype=precision, name=f"unpool_{stage + 1}")(
            [x, places[stage]]
        )
        x = _decode(x, stage, config, seeds, precision)
    num_classes = len(config.class_names) + 1
    return classify(
        x, num_classes, 3, seed=next(seeds), precision=precision, name="decode_1_1"
    )


def _encode(
    x: Tensor,
    stage: int,
    config: Settings,
    seeds: Iterator[int],
    precision: str,
) -> tuple[Tensor, Tensor]:
    """One stage of VGG16: its result, pooled, and the places of the maxima."""
    for number in range(1, _CONVOLUTIONS[stage] + 1):
        x = convolve(
            x,
            config.num_features * _FEATURES[stage],
            seed=next(seeds),
            precision=precision,
            name=f"encode_{stage + 1}_{number}",
        )
    x, indices = MaxPoolingWithIndices2D(dtype=precision, name=f"pool_{stage + 1}")(x)
    if stage >= config.num_levels - _STAGES_WITH_DROPOUT:
        x = keras.layers.Dropout(
            config.dropout,
            seed=next(seeds),
            dtype=precision,
            name=f"dropout_{stage + 1}",
        )(x)
    return x, indices


def _decode(
    x: Tensor,
    stage: int,
    config: Settings,
    seeds: Iterator[int],
    precision: str,
) -> Tensor:
    """The mirrored stage; the last convolution of all is left to the classifier."""
    last = 2 if stage == 0 else 1
    for number in reversed(range(last, _CONVOLUTIONS[stage] + 1)):
        # The mirrored convolution returns what the encoder's took.
        returned = stage - 1 if number == 1 else stage
        x = convolve(
            x,
            config.num_features * _FEATURES[returned],
            seed=next(seeds),
            precision=precision,
            name=f"decode_{stage + 1}_{number}",
        )
    return x


MODEL = Model(
    build,
    title="2D SegNet",
    engine="windows",
    slicewise=True,
    num_resolutions=num_resolutions,
    live_channels=live_channels,
)
