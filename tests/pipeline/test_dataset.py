import numpy as np
import pytest
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.pipeline import dataset
from deepresolve.pipeline.tasks import TASKS

GRID = Config(
    patch_shape=(8, 8, 8),
    patch_stride=(8, 8, 8),
    batch_size=4,
    min_tissue=0.0,
    volumes_in_flight=2,
)


@pytest.fixture
def make_volumes(volume_source):
    """Volumes whose voxels all differ, so that a patch tells where it came from."""

    def make(*shapes):
        arrays = []
        start = 0
        for shape in shapes:
            size = int(np.prod(shape))
            voxels = np.arange(start, start + size, dtype=np.float32)
            arrays.append(voxels.reshape(shape))
            start += size
        return volume_source(arrays)

    return make


def batches(volumes, config, steps, **options):
    stream = dataset.training_dataset(volumes, config, **options)
    return [(x.numpy(), y.numpy()) for x, y in stream.take(steps)]


def first_voxels(pairs):
    return np.concatenate([y[:, 0, 0, 0, 0] for _, y in pairs])


def test_one_epoch_of_the_grid_is_every_patch_once(make_volumes):
    volumes = make_volumes((16, 16, 16), (16, 16, 16), (8, 16, 16))
    steps = dataset.count_steps_per_epoch([(16, 16, 16)] * 2 + [(8, 16, 16)], GRID)
    assert steps == (8 + 8 + 4) // 4
    seen = first_voxels(batches(volumes, GRID, steps, steps_per_epoch=steps))
    assert len(np.unique(seen)) == 20


def test_input_is_the_degraded_patch_at_the_targets_place(make_volumes):
    volumes = make_volumes((16, 16, 24))
    config = GRID.replace(downsample_factors=(3,))
    (x, y), *_ = batches(volumes, config, 1, steps_per_epoch=3)
    degraded, target = TASKS["super_resolution"](next(iter(volumes((0, 0)))), config)
    for x_patch, y_patch in zip(x, y, strict=True):
        i, j, k = np.argwhere(target.numpy()[..., 0] == y_patch[0, 0, 0, 0])[0]
        expected = degraded[0, i : i + 8, j : j + 8, k : k + 8]
        np.testing.assert_array_equal(x_patch, expected)


@pytest.mark.parametrize("sampling", ["grid", "random"])
def test_same_seed_same_batches_and_another_seed_others(make_volumes, sampling):
    volumes = make_volumes((20, 20, 20), (24, 16, 20))
    config = GRID.replace(patch_sampling=sampling, random_flips=True)
    first, same, other = (
        batches(volumes, config.replace(seed=seed), 6, steps_per_epoch=3)
        for seed in (1, 1, 2)
    )
    for (a, b), (c, d) in zip(first, same, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)
    assert not np.array_equal(first[0][0], other[0][0])


@pytest.mark.parametrize("first_step", [1, 3, 5])
def test_resumed_stream_goes_on_where_it_stopped(make_volumes, first_step):
    volumes = make_volumes((20, 20, 20), (24, 16, 20))
    config = GRID.replace(patch_sampling="random", patches_per_volume=7)
    whole = batches(volumes, config, 8, steps_per_epoch=3)
    rest = batches(
        volumes, config, 8 - first_step, steps_per_epoch=3, first_step=first_step
    )
    for (a, _), (b, _) in zip(whole[first_step:], rest, strict=True):
        np.testing.assert_array_equal(a, b)


def test_epochs_differ(make_volumes):
    volumes = make_volumes((16, 16, 16))
    seen = batches(volumes, GRID, 4, steps_per_epoch=2)
    assert not np.array_equal(seen[0][0], seen[2][0])
    assert set(first_voxels(seen[:2])) == set(first_voxels(seen[2:]))


def test_each_pass_asks_for_volumes_in_another_order():
    order = tf.data.Dataset.range(4)

    def volumes(seed):
        first = tf.random.stateless_uniform((), seed, maxval=4, dtype=tf.int64)
        return order.map(
            lambda n: {
                "image": tf.fill((8, 8, 8), tf.cast((n + first) % 4, tf.float32)),
                "intensity": tf.constant([0.0, 1.0]),
            }
        )

    config = GRID.replace(batch_size=1, volumes_in_flight=1)
    seen = batches(volumes, config, 40, steps_per_epoch=1)
    # Epochs of one patch: without a new order they would all show the same volume.
    assert set(first_voxels(seen)) == {0.0, 1.0, 2.0, 3.0}


def test_air_is_skipped_by_the_stated_rule(volume_source):
    image = np.zeros((8, 8, 32), np.float32)
    image[..., 8:16] = 1  # all tissue
    image[:, :, 16] = 1  # one plane of eight: a share of 0.125

    volumes = volume_source([image])
    for min_tissue, expected in [(0.5, {1.0}), (0.1, {1.0, 0.125})]:
        config = GRID.replace(min_tissue=min_tissue, air_threshold=0.5, batch_size=2)
        seen = batches(volumes, config, 4, steps_per_epoch=4)
        shares = {float(y.mean()) for _, batch in seen for y in batch}
        assert shares == expected
    assert not dataset.holds_tissue(
        volumes, GRID.replace(min_tissue=1, air_threshold=2)
    )
    assert dataset.holds_tissue(volumes, GRID.replace(min_tissue=1, air_threshold=0.5))


def test_folded_networks_get_patches_that_start_at_acquired_slices(make_volumes):
    volumes = make_volumes((9, 9, 40))
    config = GRID.replace(
        patch_shape=(9, 9, 9), fold=(1, 1, 3), patch_sampling="random", batch_size=8
    )
    seen = first_voxels(batches(volumes, config, 4, steps_per_epoch=4))
    assert {int(voxel) % 40 % 3 for voxel in seen} == {0}


def test_several_factors_are_mixed_in_one_stream(make_volumes):
    volumes = make_volumes((16, 16, 24))
    config = GRID.replace(downsample_factors=(2, 4))
    degraded, _ = TASKS["super_resolution"](next(iter(volumes((0, 0)))), config)
    pairs = batches(volumes, config, 6, steps_per_epoch=3)
    drawn = set()
    for x, y in pairs:
        for x_patch, y_patch in zip(x, y, strict=True):
            i, j, k = np.unravel_index(int(y_patch[0, 0, 0, 0]), (16, 16, 24))
            parts = degraded[:, i : i + 8, j : j + 8, k : k + 8]
            same = [np.array_equal(x_patch, part) for part in parts]
            drawn.add(same.index(True))
    assert drawn == {0, 1}


def test_shuffle_buffer_keeps_its_memory_bound():
    config = Config(patch_shape=(32, 32, 32), shuffle_mib=256)
    pair_mib = 2 * 4 * 32**3 / 2**20  # input and target, float32
    assert dataset.shuffle_buffer_size(config) == 256 / pair_mib
    assert dataset.shuffle_buffer_size(config.replace(shuffle_mib=1)) == 50  # a batch


def test_steps_can_be_given():
    config = GRID.replace(steps_per_epoch=17)
    assert dataset.count_steps_per_epoch([(16, 16, 16)], config) == 17
