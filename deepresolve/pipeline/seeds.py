"""Seeds of a run's random numbers, each of its own and none with a state."""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class _Streams(NamedTuple):
    """Numbers of what is drawn independently below one seed."""

    shuffle: int = 0
    passes: int = 1
    positions: int = 2
    patches: int = 3
    flips: int = 4
    foreground: int = 5
    warp: int = 6
    mirror: int = 7
    gamma: int = 8
    bias: int = 9
    noise: int = 10
    blur: int = 11
    shift: int = 12
    profile: int = 13
    thickness: int = 14
    slices: int = 15
    offset: int = 16


STREAMS = _Streams()


def subseed(seed: tf.Tensor, *path: int | tf.Tensor) -> tf.Tensor:
    """A (2,) int64 seed of its own for each `path` of integers below `seed`."""
    for number in path:
        folded = tf.random.experimental.stateless_fold_in(
            tf.cast(seed, tf.int32), tf.cast(number, tf.int32)
        )
        seed = tf.cast(folded, tf.int64)
    return seed
