from types import MappingProxyType

import numpy as np
import pytest
import tensorflow as tf

from deepresolve import tasks
from deepresolve.pipeline import dataset
from deepresolve.tasks.segmentation.pairs import SegmentationPairs
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

SEED = np.array([0, 0], np.int64)
GRID = SuperResolutionConfig(
    patch_shape=(8, 8, 8),
    patch_stride=(8, 8, 8),
    batch_size=4,
    min_tissue=0.0,
    volumes_in_flight=2,
)

NAMES = {1: "femoral cartilage", 4: "patella"}
SEGMENTATION = SegmentationConfig(
    classes=("patella", "femoral cartilage"),
    patch_shape=(8, 8, 8),
    patch_sampling="random",
    patches_per_volume=7,
    batch_size=4,
    min_tissue=0.0,
    volumes_in_flight=2,
)
AUGMENTED = SEGMENTATION.replace(
    foreground_rate=0.5,
    random_mirror=True,
    max_rotation_degrees=15.0,
    max_scaling=0.1,
    max_bias=0.2,
    max_gamma=0.2,
    max_noise=0.02,
    max_blur=1.0,
    max_shift=0.1,
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


def pairs_of(config, label_names=MappingProxyType({})):
    return tasks.find(config.task).pairs(config, label_names)


def batches(volumes, config, steps, label_names=MappingProxyType({}), **options):
    stream = dataset.training_dataset(volumes, pairs_of(config, label_names), **options)
    return [(x.numpy(), y.numpy()) for x, y in stream.take(steps)]


def first_voxels(pairs):
    return np.concatenate([y[:, 0, 0, 0, 0] for _, y in pairs])


def test_one_epoch_of_the_grid_is_every_patch_once(make_volumes):
    volumes = make_volumes((16, 16, 16), (16, 16, 16), (8, 16, 16))
    steps = dataset.count_steps_per_epoch(
        [(16, 16, 16)] * 2 + [(8, 16, 16)], pairs_of(GRID)
    )
    assert steps == (8 + 8 + 4) // 4
    seen = first_voxels(batches(volumes, GRID, steps, steps_per_epoch=steps))
    assert len(np.unique(seen)) == 20


def test_input_is_the_degraded_patch_at_the_targets_place(make_volumes):
    volumes = make_volumes((16, 16, 24))
    config = GRID.replace(downsample_factors=(3,))
    (x, y), *_ = batches(volumes, config, 1, steps_per_epoch=3)
    task = pairs_of(config)
    degraded, target = task.prepare(next(iter(volumes((0, 0)))), SEED)
    for x_patch, y_patch in zip(x, y, strict=True):
        i, j, k = np.argwhere(target.numpy()[..., 0] == y_patch[0, 0, 0, 0])[0]
        expected = degraded[0, i : i + 8, j : j + 8, k : k + 8]
        np.testing.assert_array_equal(x_patch, expected)


def test_drawn_profiles_follow_the_seed_and_a_resumed_run(make_volumes):
    volumes = make_volumes((16, 16, 24), (16, 8, 24))
    config = GRID.replace(
        slice_profiles=("rect", "gaussian", "fir"), thickness_range=(0.5, 2.0)
    )
    whole = batches(volumes, config, 6, steps_per_epoch=3)
    resumed = batches(volumes, config, 2, steps_per_epoch=3, first_step=4)
    for (x, y), (x_again, y_again) in zip(whole[4:], resumed, strict=True):
        np.testing.assert_array_equal(x, x_again)
        np.testing.assert_array_equal(y, y_again)
    # The same patch comes with another input in the next pass.
    inputs = {}
    for x, y in whole:
        for x_patch, y_patch in zip(x, y, strict=True):
            inputs.setdefault(float(y_patch[0, 0, 0, 0]), []).append(x_patch)
    twice = [patches for patches in inputs.values() if len(patches) > 1]
    assert twice
    assert not any(np.array_equal(first, last) for first, *_, last in twice)


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


def test_resumed_stream_goes_on_where_it_stopped(make_volumes):
    volumes = make_volumes((20, 20, 20), (24, 16, 20))
    config = GRID.replace(patch_sampling="random", patches_per_volume=7)
    whole = batches(volumes, config, 8, steps_per_epoch=3)
    for first_step in (3, 5):  # the first of an epoch, and its last
        rest = batches(
            volumes, config, 8 - first_step, steps_per_epoch=3, first_step=first_step
        )
        for (a, _), (b, _) in zip(whole[first_step:], rest, strict=True):
            np.testing.assert_array_equal(a, b)


def test_parts_take_as_many_steps_with_patches_of_their_own(make_volumes):
    # Both would cut the same patches if they drew from the same seeds.
    volumes = make_volumes((40, 40, 40))
    config = GRID.replace(patch_sampling="random", patches_per_volume=7, batch_size=8)
    parts = [
        batches(volumes, config, 6, steps_per_epoch=3, part=(number, 2))
        for number in range(2)
    ]
    assert all(len(y) == 4 for part in parts for _, y in part)
    first, second = (set(first_voxels(part)) for part in parts)
    assert len(first & second) < 4  # of 24, by chance
    rest = batches(volumes, config, 2, steps_per_epoch=3, first_step=4, part=(1, 2))
    np.testing.assert_array_equal(first_voxels(rest), first_voxels(parts[1][4:]))


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
    for air_threshold, expected in [(2, False), (0.5, True)]:
        config = GRID.replace(min_tissue=1, air_threshold=air_threshold)
        assert dataset.holds_tissue(volumes, pairs_of(config)) == expected


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
    task = pairs_of(config)
    degraded, _ = task.prepare(next(iter(volumes((0, 0)))), SEED)
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
    config = SuperResolutionConfig(patch_shape=(32, 32, 32), shuffle_mib=256)
    pair_mib = 2 * 4 * 32**3 / 2**20  # input and target, float32
    assert dataset.shuffle_buffer_size(pairs_of(config)) == 256 / pair_mib
    small = pairs_of(config.replace(shuffle_mib=1))
    assert dataset.shuffle_buffer_size(small) == 50  # a batch
    pair_mib = (4 + 1) * 32**3 / 2**20  # float32 input, uint8 target
    config = SegmentationConfig(patch_shape=(32, 32, 32), shuffle_mib=256)
    labelled = pairs_of(config, {1: "femoral cartilage"})
    assert dataset.shuffle_buffer_size(labelled) == int(256 / pair_mib)


def test_steps_can_be_given():
    config = GRID.replace(steps_per_epoch=17)
    assert dataset.count_steps_per_epoch([(16, 16, 16)], pairs_of(config)) == 17


@pytest.fixture
def labelled(labelled_source):
    """Volumes whose image tells the label: a tenth of it."""
    generator = np.random.default_rng(0)
    scans = []
    for shape in [(20, 20, 20), (24, 16, 20), (16, 20, 12)]:
        label = generator.choice([0, 1, 4, 7], shape).astype(np.uint8)
        scans.append((label.astype(np.float32) / 10, label))
    return labelled_source(scans)


def segmented(volumes, config, steps, **options):
    options = {"steps_per_epoch": 3, "label_names": NAMES, **options}
    return batches(volumes, config, steps, **options)


@pytest.mark.parametrize("sampling", ["grid", "random"])
@pytest.mark.parametrize("patch_shape", [(8, 8, 8), (9, 7, 1)])
def test_segmentation_pairs_an_image_with_its_classes(labelled, sampling, patch_shape):
    config = SEGMENTATION.replace(
        patch_sampling=sampling,
        patch_shape=patch_shape,
        patches_per_volume=7 if sampling == "random" else 0,
    )
    for image, classes in segmented(labelled, config, 4):
        assert image.shape == classes.shape == (4, *patch_shape, 1)
        assert (image.dtype, classes.dtype) == (np.float32, np.uint8)
        # 0 and the unused 7 are background, 4 the first class, 1 the second.
        labels = np.rint(image * 10).astype(int)
        np.testing.assert_array_equal(
            classes, np.array([0, 2, 0, 0, 1, 0, 0, 0])[labels]
        )


@pytest.fixture
def augmented(labelled):
    """Batches of all augmentations."""
    return segmented(labelled, AUGMENTED, 6)


def assert_same(batches, others):
    for (a, b), (c, d) in zip(batches, others, strict=True):
        np.testing.assert_array_equal(a, c)
        np.testing.assert_array_equal(b, d)


def test_segmentation_follows_its_seed_whatever_the_number_of_cores(
    labelled, augmented, monkeypatch
):
    monkeypatch.setattr(dataset.os, "cpu_count", lambda: 9)
    assert_same(augmented, segmented(labelled, AUGMENTED, 6))
    other = segmented(labelled, AUGMENTED.replace(seed=2), 1)
    assert not np.array_equal(augmented[0][0], other[0][0])


def test_resumed_segmentation_goes_on_where_it_stopped(labelled, augmented):
    rest = segmented(labelled, AUGMENTED, 2, first_step=4)
    assert_same(augmented[4:], rest)


@pytest.mark.parametrize(
    ("cores", "volumes_in_flight", "expected"), [(2, 4, 1), (64, 4, 16), (9, 2, 5)]
)
def test_pairs_in_the_making_are_about_one_a_core(
    monkeypatch, cores, volumes_in_flight, expected
):
    monkeypatch.setattr(dataset.os, "cpu_count", lambda: cores)
    config = GRID.replace(volumes_in_flight=volumes_in_flight)
    assert dataset.cuts_at_once(config) == expected


def test_foreground_comes_at_its_rate(labelled_source):
    label = np.zeros((40, 40, 40), np.uint8)
    label[30:32, 8:10, 20:22] = 1  # 8 of 64,000: by chance hardly ever met
    volumes = labelled_source([(label.astype(np.float32), label)])
    config = SEGMENTATION.replace(
        patch_shape=(1, 1, 1),
        patches_per_volume=1000,
        batch_size=1000,
        foreground_rate=0.4,
    )
    ((_, classes),) = segmented(volumes, config, 1, steps_per_epoch=1)
    # Binomial(1000, 0.4) has a standard deviation of 1.5% of 1000.
    assert np.mean(classes > 0) == pytest.approx(0.4, abs=0.08)


def test_volumes_without_foreground_give_patches_from_anywhere(labelled_source):
    image = np.arange(16**3, dtype=np.float32).reshape(16, 16, 16)
    volumes = labelled_source([(image, np.zeros(image.shape, np.uint8))])
    config = SEGMENTATION.replace(foreground_rate=1.0, batch_size=40)
    ((image, classes),) = segmented(volumes, config, 1, steps_per_epoch=1)
    assert not classes.any()
    assert len(np.unique(image[:, 0, 0, 0, 0])) > 30


def test_air_is_measured_on_the_image_of_a_segmentation(labelled_source):
    image = np.zeros((8, 8, 32), np.float32)
    image[..., 8:16] = 1
    label = np.ones(image.shape, np.uint8)  # labels in air do not make it tissue
    config = SEGMENTATION.replace(
        patch_sampling="grid",
        patches_per_volume=0,
        patch_stride=(8, 8, 8),
        min_tissue=0.5,
    )
    volumes = labelled_source([(image, label)])
    assert all(x.min() == 1 for x, _ in segmented(volumes, config, 3))
    for air_threshold, expected in [(2, False), (0.5, True)]:
        config = config.replace(air_threshold=air_threshold)
        assert dataset.holds_tissue(volumes, pairs_of(config, NAMES)) == expected


@pytest.fixture
def mostly_air(labelled_source):
    """One volume of 8 grid patches, the first 2 of them tissue; and its config."""
    image = np.zeros((8, 8, 64), np.float32)
    image[..., :16] = 1
    config = SEGMENTATION.replace(
        patch_sampling="grid",
        patches_per_volume=0,
        patch_stride=(8, 8, 8),
        min_tissue=0.05,
        max_noise=0.5,
    )
    return labelled_source([(image, image.astype(np.uint8))]), config


def test_air_is_measured_before_the_augmentation(mostly_air):
    volumes, config = mostly_air
    # Noise alone would make nearly every patch tissue.
    pairs = segmented(volumes, config.replace(air_threshold=0.1, max_noise=1.0), 3)
    assert all(classes.all() for _, classes in pairs)
    assert any(np.ptp(image) > 0.5 for image, _ in pairs)


def test_air_is_not_augmented(mostly_air, monkeypatch):
    volumes, config = mostly_air
    augment = SegmentationPairs.augment

    def augment_tissue(task, pair, seed):
        tf.debugging.assert_equal(tf.reduce_min(pair[0]), 1.0, "air is augmented")
        return augment(task, pair, seed)

    monkeypatch.setattr(SegmentationPairs, "augment", augment_tissue)
    assert len(segmented(volumes, config, 3)) == 3
    with pytest.raises(tf.errors.InvalidArgumentError, match="air is augmented"):
        segmented(volumes, config.replace(min_tissue=0.0), 3)


def test_a_patch_does_not_depend_on_whether_others_are_skipped(mostly_air):
    volumes, config = mostly_air
    ((kept, _),) = segmented(
        volumes, config.replace(batch_size=2), 1, steps_per_epoch=1
    )
    ((every, classes),) = segmented(
        volumes, config.replace(batch_size=8, min_tissue=0.0), 1, steps_per_epoch=1
    )
    tissue = every[classes.all(axis=(1, 2, 3, 4))]
    assert {patch.tobytes() for patch in kept} == {p.tobytes() for p in tissue}
    assert np.ptp(kept) > 0.5


def test_a_volume_without_labels_ends_the_stream_with_its_name(labelled_source):
    image = np.ones((8, 8, 8), np.float32)
    label = np.ones((8, 8, 8), np.uint8)
    volumes = labelled_source([(image, label), (image, np.zeros((0, 0, 0), np.uint8))])
    with pytest.raises(tf.errors.InvalidArgumentError, match="knee-1"):
        segmented(volumes, SEGMENTATION, 4)


def test_classes_that_the_labels_lack_are_refused_at_once(labelled):
    config = SEGMENTATION.replace(classes=("meniscus",))
    for use in (
        lambda: segmented(labelled, config, 1),
        lambda: dataset.holds_tissue(labelled, pairs_of(config, NAMES)),
    ):
        with pytest.raises(ValueError, match="'meniscus'; the records have: femoral"):
            use()
