"""The U-Net (Ronneberger, MICCAI 2015; in 3D Çiçek, MICCAI 2016), on any grid.

Each level has two convolutions, twice the features of the level above it and half its
resolution. Ours, where the sources differ or are silent: batch normalisation before
each ReLU (as in 3D U-Net); features double between levels alone (as in 2D U-Net);
convolutions pad with zeros, so that the size stays; dropout after the last two levels
on the way down, which is where the 2D U-Net has it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import keras

from deepresolve.networks.blocks import classify, convolve
from deepresolve.networks.model import Settings
from deepresolve.system.keras_stack import Tensor

_POOLINGS = {4: keras.layers.MaxPooling2D, 5: keras.layers.MaxPooling3D}
_UP_CONVOLUTIONS = {4: keras.layers.Conv2DTranspose, 5: keras.layers.Conv3DTranspose}
_LEVELS_WITH_DROPOUT = 2


def size_multiple(config: Settings) -> int:
    """What the sizes of a U-Net's input must be multiples of."""
    return 2 ** (config.num_levels - 1)


def unet(
    image: Tensor,
    config: Settings,
    precision: str,
    unfolded: Tensor | None = None,
) -> Tensor:
    """Probabilities of the classes; a 3D U-Net for volumes, a 2D one for slices.

    Args:
      image: (batch, I, J, C) or (batch, I, J, K, C); sizes multiples of
        `size_multiple`.
      config: uses num_levels, num_features, dropout, class_names, seed and, of a folded
        image, fold.
      precision: Keras dtype policy; the softmax is float32.
      unfolded: what `image` was folded from; None where it was not.

    Returns:
      The spatial shape of the image, or of what it was folded from, a channel for each
      class, the background first; float32.
    """
    seeds = itertools.count(config.seed)
    # TensorFlow has no 3D pooling in float16 on a CPU; the largest is the same in both.
    pooling_type = "float32" if precision == "mixed_float16" else precision
    x, skips = image, []
    for level in range(config.num_levels):
        if level:
            pool = _POOLINGS[len(x.shape)]
            x = pool(
                2,
                data_format="channels_last",
                dtype=pooling_type,
                name=f"pool_{level}",
            )(x)
        x = _level(x, level, config, seeds, precision, "down")
        if level >= config.num_levels - _LEVELS_WITH_DROPOUT:
            x = keras.layers.Dropout(
                config.dropout,
                seed=next(seeds),
                dtype=precision,
                name=f"dropout_{level + 1}",
            )(x)
        skips.append(x)
    for level in reversed(range(config.num_levels - 1)):
        x = _up(x, skips[level], level, config, seeds, precision)
        x = _level(x, level, config, seeds, precision, "up")
    num_classes = len(config.class_names) + 1
    return classify(
        *(x, num_classes, 1),
        seed=next(seeds),
        precision=precision,
        name="logits",
        unfold=None if unfolded is None else (config.fold, unfolded),
    )


def _level(
    x: Tensor,
    level: int,
    config: Settings,
    seeds: Iterator[int],
    precision: str,
    way: str,
) -> Tensor:
    """The two convolutions of a level on the way "down" or "up"."""
    for number in (1, 2):
        x = convolve(
            x,
            config.num_features << level,
            seed=next(seeds),
            precision=precision,
            name=f"{way}_{level + 1}_{number}",
        )
    return x


def _up(
    x: Tensor,
    skip: Tensor,
    level: int,
    config: Settings,
    seeds: Iterator[int],
    precision: str,
) -> Tensor:
    """Doubles the resolution and joins what the way down had at this level.

    The up-convolution of the papers: by 2 with stride 2, so that each new voxel comes
    from a single old one. Cheaper than to enlarge and then to convolve.
    """
    up = _UP_CONVOLUTIONS[len(x.shape)](
        config.num_features << level,
        2,
        strides=2,
        data_format="channels_last",
        kernel_initializer=keras.initializers.HeNormal(next(seeds)),
        dtype=precision,
        name=f"enlarge_{level + 1}",
    )(x)
    return keras.layers.Concatenate(dtype=precision, name=f"join_{level + 1}")(
        [skip, up]
    )


def num_resolutions(config: Settings) -> int:
    """Levels of a U-Net, full size included."""
    return config.num_levels


def live_channels(config: Settings) -> int:
    """What a U-Net, or a SegNet, holds at full size when it holds most.

    Four times its features to join the encoder's with those from the level below, and
    the working memory of convolutions: measured 4.8 to 5.9 (seg_cnn) and 3.5
    (segnet_2d), taken as 6. Then the probabilities, and the same weighted.
    """
    return 6 * config.num_features + 2 * (len(config.class_names) + 1)
