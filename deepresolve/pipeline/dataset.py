"""Volumes -> patches -> pairs -> batches.

The stream of a run is a function of the seed and the step alone: each epoch draws from
its own seed, so a resumed run goes on with the very batches it would have seen.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import tensorflow as tf

from deepresolve.config import Config
from deepresolve.pipeline import patches
from deepresolve.pipeline.pairs import Pair, Pairs, StoredVolume
from deepresolve.pipeline.seeds import STREAMS, subseed

VolumeSource = Callable[[tf.Tensor], tf.data.Dataset]

# A random patch that holds too little tissue is drawn again, at most this often.
_DRAWS_PER_PATCH = 20


def count_patches(shape: Sequence[int], pairs: Pairs) -> int:
    """Patches of one volume in one epoch, air included.

    Patches of air are skipped only when they are cut: an epoch still has as many as are
    counted here, the skipped ones replaced by others of a further pass.

    Args:
      shape: (rows, columns, slices) of the volume.
      pairs: what the run's task makes of it.
    """
    config = pairs.config
    if config.patch_sampling == "random" and config.patches_per_volume:
        return config.patches_per_volume
    positions = patches.grid_positions(
        tf.constant(shape, tf.int32),
        config.patch_shape,
        config.patch_stride,
        pairs.grid_step,
    )
    return len(positions)


def count_steps_per_epoch(shapes: Iterable[Sequence[int]], pairs: Pairs) -> int:
    """Steps of one epoch: as configured, or one pass over all patches.

    Args:
      shapes: (rows, columns, slices) of each volume.
      pairs: what the run's task makes of them.
    """
    if pairs.config.steps_per_epoch:
        return pairs.config.steps_per_epoch
    total = sum(count_patches(shape, pairs) for shape in shapes)
    return max(1, total // pairs.config.batch_size)


def shuffle_buffer_size(pairs: Pairs) -> int:
    """Patch pairs that fit into `shuffle_mib`; at least one batch."""
    config = pairs.config
    return max(config.batch_size, config.shuffle_mib * 2**20 // pairs.num_bytes)


def cuts_at_once(config: Config) -> int:
    """Patches of one volume that are made at once: over all volumes, one a core.

    AUTOTUNE would take as many as there are cores for each volume: with large patches
    and many cores that is gigabytes.
    """
    return math.ceil((os.cpu_count() or 1) / config.volumes_in_flight)


def training_dataset(
    volumes: VolumeSource,
    pairs: Pairs,
    *,
    steps_per_epoch: int,
    first_step: int = 0,
    part: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """Endless batches of (input, target) from step `first_step` on.

    Memory: `volumes_in_flight` + 2 prepared volumes, `shuffle_mib` of patch pairs, two
    pairs for each of `cuts_at_once` in every volume, and three batches.

    Args:
      volumes: function from a (2,) int64 seed to a dataset of dicts, as
        `pairs.prepare` takes them, in an order that the seed decides. It is called
        anew for each pass, so an epoch that is shorter than a pass still sees other
        volumes than the last one did. Where several workers share the steps, it gives
        those of this one.
      pairs: what the run's task makes of them.
      steps_per_epoch: batches of one epoch; each epoch is shuffled by itself.
      first_step: batches of the whole run to pass over, when a run is resumed.
      part: which part of each step, counted from 0, and of how many parts; their number
        divides the batch. A part draws patches that are its own, and as many as the
        others, however many volumes it has.

    Returns:
      Dataset of two tensors, (batch / parts, ...): as `pairs` specifies them.

    Raises:
      tf.errors.InvalidArgumentError: while iterating: a volume lacks what the task
        needs of it.
    """
    config = pairs.config

    def epoch_batches(epoch: tf.Tensor) -> tf.data.Dataset:
        seed = tf.stack([tf.constant(config.seed, tf.int64), epoch])
        passes = tf.data.Dataset.counter()
        of_epoch = passes.flat_map(lambda n: _one_pass(volumes, pairs, seed, n, part))
        shuffle_seed = subseed(seed, STREAMS.shuffle)[0]
        batch_size = config.batch_size // part[1]
        num_pairs = steps_per_epoch * batch_size
        buffer_size = min(num_pairs, shuffle_buffer_size(pairs))
        shuffled = of_epoch.take(num_pairs).shuffle(buffer_size, seed=shuffle_seed)
        batches = shuffled.batch(batch_size, drop_remainder=True)
        return batches.map(lambda pair, share: pair)

    first_epoch, passed_over = divmod(first_step, steps_per_epoch)
    epochs = tf.data.Dataset.counter(first_epoch)
    return epochs.flat_map(epoch_batches).skip(passed_over).prefetch(2)


def holds_tissue(volumes: VolumeSource, pairs: Pairs) -> bool:
    """Whether one pass over `volumes` yields any patch that is not skipped as air.

    Raises:
      tf.errors.InvalidArgumentError: a volume lacks what the task needs of it.
    """
    seed = tf.constant([pairs.config.seed, 0], tf.int64)
    number = tf.constant(0, tf.int64)
    of_pass = _one_pass(volumes, pairs, seed, number, part=(0, 1))
    return any(True for _ in of_pass.take(1))


def _one_pass(
    volumes: VolumeSource,
    pairs: Pairs,
    seed: tf.Tensor,
    number: tf.Tensor,
    part: tuple[int, int],
) -> tf.data.Dataset:
    """(pair, tissue share) of every volume once: prepared, cut and augmented.

    Patches of `volumes_in_flight` volumes are interleaved. Parts have the seed of a
    pass in common, and of its volumes each has every `part[1]`-th.
    """
    pass_seed = subseed(seed, STREAMS.passes, number)
    prepared = (
        volumes(pass_seed)
        .enumerate()
        .map(lambda index, volume: _prepared(pairs, volume, pass_seed, index, part))
        .prefetch(1)
    )
    return prepared.interleave(
        _volume_patches(pairs), cycle_length=pairs.config.volumes_in_flight
    )


def _prepared(
    pairs: Pairs,
    volume: StoredVolume,
    pass_seed: tf.Tensor,
    index: tf.Tensor,
    part: tuple[int, int],
) -> tuple[tf.Tensor, Any]:
    """A volume's own seed in a pass, and the volume that patches are cut from."""
    seed = subseed(pass_seed, index * part[1] + part[0])
    return seed, pairs.prepare(volume, seed)


def _volume_patches(pairs: Pairs) -> Callable[..., tf.data.Dataset]:
    """Factory: a prepared volume -> dataset of (pair, tissue share).

    What a patch needs is done in one parallel map over all positions: an element of
    `tf.data` costs some 20 us by itself, as much as cutting it. The share stays beside
    the pair until there is a batch, for the same reason. What is to be skipped as air
    is not augmented.
    """
    config = pairs.config

    def patch_pairs(seed: tf.Tensor, scan: Any) -> tf.data.Dataset:
        limit, positions = _positions(pairs, seed, scan)
        seeds = tf.random.stateless_uniform(
            (tf.shape(positions)[0], 2),
            subseed(seed, STREAMS.patches),
            minval=None,
            maxval=None,
            dtype=tf.int64,
        )

        def make_pair(
            position: tf.Tensor, patch_seed: tf.Tensor
        ) -> tuple[Pair, tf.Tensor]:
            pair = pairs.cut(scan, position, patch_seed)
            if not config.min_tissue:
                return pairs.augment(pair, patch_seed), tf.ones(())
            share = patches.tissue_share(pairs.image(pair), config.air_threshold)
            is_kept = share >= config.min_tissue
            pair = tf.cond(
                is_kept, lambda: pairs.augment(pair, patch_seed), lambda: pair
            )
            return pair, share

        dataset = tf.data.Dataset.from_tensor_slices((positions, seeds)).map(
            make_pair, num_parallel_calls=cuts_at_once(config)
        )
        if config.min_tissue:
            dataset = dataset.filter(lambda pair, share: share >= config.min_tissue)
        return dataset.take(limit)

    return patch_pairs


def _positions(pairs: Pairs, seed: tf.Tensor, scan: Any) -> tuple[tf.Tensor, tf.Tensor]:
    """How many patches to take, and the positions to try for them, in random order."""
    config, shape = pairs.config, pairs.shape(scan)
    grid = patches.grid_positions(
        shape, config.patch_shape, config.patch_stride, pairs.grid_step
    )
    position_seed = subseed(seed, STREAMS.positions)
    if config.patch_sampling == "grid":
        shuffled = tf.random.experimental.stateless_shuffle(grid, position_seed)
        return tf.shape(grid, tf.int64)[0], shuffled
    count = tf.shape(grid, tf.int64)[0]
    if config.patches_per_volume:
        count = tf.constant(config.patches_per_volume, tf.int64)
    draws = count * (_DRAWS_PER_PATCH if config.min_tissue else 1)
    positions = patches.random_positions(
        draws, shape, config.patch_shape, position_seed, pairs.grid_step
    )
    return count, pairs.place(positions, scan, seed)
