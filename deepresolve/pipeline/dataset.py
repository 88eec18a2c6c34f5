"""Volumes -> patches -> pairs -> batches.

The stream of a run is a function of the seed and the step alone: each epoch draws from
its own seed, so a resumed run goes on with the very batches it would have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.pipeline import augmentation, patches
from deepresolve.pipeline.tasks import TASKS

VolumeSource = Callable[[tf.Tensor], tf.data.Dataset]

_FLOAT_BYTES = 4

# A random patch that holds too little tissue is drawn again, at most this often.
_DRAWS_PER_PATCH = 20


class _Streams(NamedTuple):
    """Second seeds: what is drawn independently from one (seed, epoch)."""

    shuffle: int = 0
    passes: int = 1
    positions: int = 2
    variants: int = 3
    flips: int = 4


_STREAMS = _Streams()


def count_patches(shape: tuple[int, int, int], config: Config) -> int:
    """Patches of one volume in one epoch, air included.

    Patches of air are skipped only when they are cut: an epoch still has as many as are
    counted here, the skipped ones replaced by others of a further pass.

    Args:
      shape: (rows, columns, slices) of the volume.
      config: uses patches_per_volume, or patch_shape, patch_stride and fold.
    """
    if config.patch_sampling == "random" and config.patches_per_volume:
        return config.patches_per_volume
    positions = patches.grid_positions(
        tf.constant(shape, tf.int32),
        config.patch_shape,
        config.patch_stride,
        config.fold,
    )
    return len(positions)


def count_steps_per_epoch(
    shapes: Iterable[tuple[int, int, int]], config: Config
) -> int:
    """Steps of one epoch: as configured, or one pass over all patches."""
    if config.steps_per_epoch:
        return config.steps_per_epoch
    total = sum(count_patches(shape, config) for shape in shapes)
    return max(1, total // config.batch_size)


def shuffle_buffer_size(config: Config) -> int:
    """Patch pairs that fit into `shuffle_mib`; at least one batch."""
    pair_bytes = 2 * _FLOAT_BYTES * int(np.prod(config.patch_shape))
    return max(config.batch_size, config.shuffle_mib * 2**20 // pair_bytes)


def training_dataset(
    volumes: VolumeSource,
    config: Config,
    *,
    steps_per_epoch: int,
    first_step: int = 0,
) -> tf.data.Dataset:
    """Endless batches of (input, target), float32, from step `first_step` on.

    Memory: `volumes_in_flight` + 2 prepared volumes, and `shuffle_mib` of patch pairs.

    Args:
      volumes: function from a (2,) int64 seed to a dataset of dicts with "image" (rows,
        columns, slices) float32 and "intensity" (2,), in an order that the seed
        decides. It is called anew for each pass, so an epoch that is shorter than a
        pass still sees other volumes than the last one did.
      config: the run.
      steps_per_epoch: batches of one epoch; each epoch is shuffled by itself.
      first_step: batches of the whole run to pass over, when a run is resumed.

    Returns:
      Dataset of two (batch, *patch_shape, 1) float32 tensors.
    """

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        seed = tf.stack([tf.constant(config.seed, tf.int64), epoch])
        passes = tf.data.Dataset.counter()
        pairs = passes.flat_map(lambda n: _one_pass(volumes, config, seed, n))
        shuffle_seed = _subseed(seed, _STREAMS.shuffle)[0]
        num_pairs = steps_per_epoch * config.batch_size
        buffer_size = min(num_pairs, shuffle_buffer_size(config))
        pairs = pairs.take(num_pairs).shuffle(buffer_size, seed=shuffle_seed)
        return pairs.batch(config.batch_size, drop_remainder=True)

    first_epoch, passed_over = divmod(first_step, steps_per_epoch)
    epochs = tf.data.Dataset.counter(first_epoch)
    return epochs.flat_map(epoch_batches).skip(passed_over).prefetch(2)


def holds_tissue(volumes: VolumeSource, config: Config) -> bool:
    """Whether one pass over `volumes` yields any patch that is not skipped as air."""
    seed = tf.constant([config.seed, 0], tf.int64)
    one = _one_pass(volumes, config, seed, tf.constant(0, tf.int64)).take(1)
    return any(True for _ in one)


def _one_pass(volumes: VolumeSource, config: Config, seed, number) -> tf.data.Dataset:
    """Patch pairs of every volume once, `volumes_in_flight` of them interleaved."""
    task = TASKS[config.task]
    pass_seed = _subseed(seed, _STREAMS.passes, number)
    indexed = (
        volumes(pass_seed)
        .enumerate()
        .map(lambda index, volume: (_subseed(pass_seed, index), *task(volume, config)))
    )
    pairs = indexed.prefetch(1).interleave(
        _volume_patches(config), cycle_length=config.volumes_in_flight
    )
    return pairs.map(_augment) if config.random_flips else pairs.map(_without_seed)


def _volume_patches(config: Config) -> Callable[..., tf.data.Dataset]:
    """Factory: a prepared volume -> dataset of (seed, input, target) patches."""

    def patch_pairs(seed, inputs, target):
        limit, positions = _positions(config, seed, tf.shape(target)[:3])
        number_of_variants = tf.shape(inputs)[0]

        def pair(index, position):
            patch_seed = _subseed(seed, _STREAMS.variants, index)
            variant = tf.random.stateless_uniform(
                (), patch_seed, maxval=number_of_variants, dtype=tf.int32
            )
            return (
                patch_seed,
                patches.cut(
                    inputs, tf.concat([[variant], position], 0), config.patch_shape
                ),
                patches.cut(target, position, config.patch_shape),
            )

        dataset = tf.data.Dataset.from_tensor_slices(positions).enumerate().map(pair)
        if config.min_tissue:
            dataset = dataset.filter(
                lambda seed, x, y: (
                    patches.tissue_share(y, config.air_threshold) >= config.min_tissue
                )
            )
        return dataset.take(limit)

    return patch_pairs


def _positions(config: Config, seed, shape) -> tuple[tf.Tensor, tf.Tensor]:
    """How many patches to take, and the positions to try for them, in random order."""
    grid = patches.grid_positions(
        shape, config.patch_shape, config.patch_stride, config.fold
    )
    position_seed = _subseed(seed, _STREAMS.positions)
    if config.patch_sampling == "grid":
        shuffled = tf.random.experimental.stateless_shuffle(grid, position_seed)
        return tf.shape(grid, tf.int64)[0], shuffled
    count = tf.shape(grid, tf.int64)[0]
    if config.patches_per_volume:
        count = tf.constant(config.patches_per_volume, tf.int64)
    draws = count * (_DRAWS_PER_PATCH if config.min_tissue else 1)
    return count, patches.random_positions(
        draws, shape, config.patch_shape, position_seed, config.fold
    )


def _augment(seed, inputs, target):
    flips = augmentation.sample_flips(_subseed(seed, _STREAMS.flips))
    return (
        augmentation.apply_flips(inputs, flips),
        augmentation.apply_flips(target, flips),
    )


def _without_seed(seed, inputs, target):
    return inputs, target


def _subseed(seed: tf.Tensor, *path) -> tf.Tensor:
    """A (2,) int64 seed of its own for each `path` of integers below `seed`."""
    for number in path:
        folded = tf.random.experimental.stateless_fold_in(
            tf.cast(seed, tf.int32), tf.cast(number, tf.int32)
        )
        seed = tf.cast(folded, tf.int64)
    return seed
