import numpy as np
import pytest
import tensorflow as tf

from deepresolve import tasks
from deepresolve.config.tasks import settings
from deepresolve.imaging.degradation import (
    decimation_matrix,
    filter_matrix,
    interpolate,
    interpolation_matrix,
    thicken,
)
from deepresolve.imaging.volume import Volume
from deepresolve.pipeline.seeds import STREAMS, subseed
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

NAMES = {1: "femoral cartilage", 2: "medial tibia", 5: "lateral tibia", 9: "patella"}
SEVERAL_PROFILES = SuperResolutionConfig(
    downsample_factors=(2, 3),
    slice_profiles=("rect", "gaussian"),
    thickness_range=(0.5, 2.0),
)
SEGMENTATION = SegmentationConfig(patch_shape=(8, 9, 6))
SEED = np.array([0, 0], np.int64)
STRENGTHS = {
    "max_gamma": 0.3,
    "max_bias": 0.3,
    "max_noise": 0.05,
    "max_shift": 0.1,
    "max_blur": 1.0,
}


@pytest.fixture
def stored():
    """A volume as the records hold it, sagittal, with all labels there are."""
    generator = np.random.default_rng(0)
    return {
        "image": generator.normal(300, 50, (16, 17, 40)).astype(np.float32),
        "label": generator.integers(0, 12, (16, 17, 40)).astype(np.uint8),
        "intensity": np.array([100, 500], np.float32),
        "affine": np.array(
            [[0, 0, -0.7, 9], [0, -0.5, 0, 8], [-0.4, 0, 0, 7], [0, 0, 0, 1.0]]
        ),
        "subject": "knee-7",
    }


@pytest.fixture(params=["eager", "tf.data"])
def prepare(request):
    """Prepares a volume for a task, at once or within tf.data."""

    def call(task, volume, seed=SEED):
        seed = tf.constant(seed, tf.int64)
        tensors = {key: tf.convert_to_tensor(value) for key, value in volume.items()}
        if request.param == "eager":
            return task.prepare(tensors, seed)
        dataset = tf.data.Dataset.from_tensors(tensors)
        # Within a tuple, for tf.data would unpack the NamedTuple.
        (prepared,) = next(
            iter(dataset.map(lambda volume: (task.prepare(volume, seed),)))
        )
        return prepared

    return call


def pairs_of(config, names=NAMES):
    return tasks.find(config.task).pairs(config, names)


def segmentation(**changes):
    return pairs_of(SEGMENTATION.replace(**changes))


def test_super_resolution_pairs_a_scan_with_its_tci(stored, prepare):
    config = SuperResolutionConfig(downsample_factors=(2, 3))
    unlabelled = {key: stored[key] for key in ("image", "intensity")}
    inputs, target = prepare(pairs_of(config, {}), unlabelled)
    scaled = (stored["image"] - 100) / 400
    np.testing.assert_allclose(target[..., 0], scaled, atol=1e-6)
    for variant, factor in enumerate((2, 3)):
        thin = Volume(scaled, np.eye(4))
        tci = interpolate(thicken(thin, factor), factor).array
        spanned = inputs[variant, :, :, : tci.shape[-1], 0]
        np.testing.assert_allclose(spanned, tci, atol=1e-5)


def drawn_profiles(seed):
    """What SEVERAL_PROFILES draws from a seed: shapes and thicknesses, a factor each.

    As the pipeline's documented streams give them, with TensorFlow's own generator.
    """
    seed = tf.constant(seed, tf.int64)
    which = tf.random.stateless_uniform(
        (2,), subseed(seed, STREAMS.profile), maxval=2, dtype=tf.int32
    )
    thickness = tf.random.stateless_uniform(
        (2,), subseed(seed, STREAMS.thickness), 0.5, 2.0
    )
    shapes = [SEVERAL_PROFILES.slice_profiles[n] for n in which]
    return list(zip(shapes, thickness.numpy().tolist(), strict=True))


def test_profile_and_thickness_are_drawn_from_the_volume_s_seed(stored, prepare):
    task = pairs_of(SEVERAL_PROFILES, {})
    scaled = Volume((stored["image"] - 100) / 400, np.eye(4))
    for seed in [(1, 2), (1, 3), (4, 0)]:
        inputs, target = prepare(task, stored, seed)
        np.testing.assert_allclose(target[..., 0], scaled.array, atol=1e-6)
        for variant, (shape, thickness) in enumerate(drawn_profiles(seed)):
            factor = (2, 3)[variant]
            thick = thicken(scaled, factor, shape, thickness)
            tci = interpolate(thick, factor).array
            spanned = inputs[variant, :, :, : tci.shape[-1], 0]
            np.testing.assert_allclose(spanned, tci, atol=1e-5)


def test_all_profiles_and_the_whole_range_are_drawn():
    drawn = [one for n in range(100) for one in drawn_profiles((7, n))]
    assert {shape for shape, _ in drawn} == {"rect", "gaussian"}
    thicknesses = [thickness for _, thickness in drawn]
    assert 0.5 <= min(thicknesses) < 0.55
    assert 1.95 < max(thicknesses) <= 2.0


def test_the_published_filter_is_drawn_whatever_the_seed(stored, prepare):
    config = SuperResolutionConfig(downsample_factors=(2, 3))
    inputs, _ = prepare(pairs_of(config, {}), stored, (5, 6))
    scaled = (stored["image"] - np.float32(100)) / np.float32(400)
    for variant, factor in enumerate((2, 3)):
        # What was trained by before profiles could be chosen, in the same arithmetic.
        by_filter = decimation_matrix(40, factor) @ filter_matrix(40, factor)
        back = interpolation_matrix(len(by_filter), factor, 40)
        matrix = (back @ by_filter).astype(np.float32)
        expected = tf.linalg.matmul(
            scaled.reshape(1, -1, 40), matrix[np.newaxis], transpose_b=True
        )
        np.testing.assert_array_equal(
            inputs[variant, ..., 0], tf.reshape(expected, scaled.shape)
        )


@pytest.mark.parametrize(
    ("classes", "labels_of_class"),
    [
        (("femoral cartilage",), [(1,)]),
        (("patella", "femoral cartilage"), [(9,), (1,)]),
        (("tibia=medial tibia+lateral tibia", "patella"), [(2, 5), (9,)]),
    ],
)
def test_segmentation_picks_and_merges_classes(
    stored, prepare, classes, labels_of_class
):
    prepared = prepare(segmentation(classes=classes), stored)
    expected = np.zeros(stored["label"].shape, np.uint8)
    for number, labels in enumerate(labels_of_class, start=1):
        expected[np.isin(stored["label"], labels)] = number
    assert prepared.target.dtype == tf.uint8
    np.testing.assert_array_equal(prepared.target[..., 0], expected)
    scaled = (stored["image"] - 100) / 400
    np.testing.assert_allclose(prepared.image[..., 0], scaled, atol=1e-6)


def test_a_volume_without_labels_is_named(stored, prepare):
    unlabelled = {**stored, "label": np.zeros((0, 0, 0), np.uint8)}
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        prepare(segmentation(), unlabelled)
    assert "no labels" in str(caught.value)
    assert "knee-7" in str(caught.value)


def test_unknown_classes_are_refused_before_anything_is_read():
    with pytest.raises(ValueError, match="'meniscus'; the records have: femoral"):
        segmentation(classes=("meniscus",))


def test_a_class_that_a_mirror_would_change_is_refused():
    names = {1: "left femur"}
    config = SEGMENTATION.replace(classes=("left femur",), random_mirror=True)
    with pytest.raises(ValueError, match="becomes 'right femur'"):
        pairs_of(config, names)


def cut(task, stored, position, seed):
    prepared = task.prepare(
        {k: tf.convert_to_tensor(v) for k, v in stored.items()}, SEED
    )
    position = tf.constant(position, tf.int32)
    return task.cut(prepared, position, tf.constant(seed, tf.int64))


def seeds(count=8):
    return [(3, number) for number in range(count)]


def test_a_patch_as_it_is(stored):
    image, classes = cut(segmentation(), stored, (2, 3, 4), (0, 0))
    region = np.s_[2:10, 3:12, 4:10]
    scaled = (stored["image"][region] - 100) / 400
    np.testing.assert_allclose(image[..., 0], scaled, atol=1e-6)
    np.testing.assert_array_equal(classes[..., 0], stored["label"][region] == 1)


def test_mirrored_patches_are_reversed_along_the_slices_of_a_sagittal_scan(stored):
    names = {1: "left femur", 2: "right femur", 3: "tibia"}
    config = SEGMENTATION.replace(classes=tuple(names.values()), random_mirror=True)
    task = pairs_of(config, names)
    plain = pairs_of(config.replace(random_mirror=False), names)
    image, classes = (p.numpy() for p in cut(plain, stored, (2, 3, 4), (0, 0)))
    exchanged = np.choose(classes, [0, 2, 1, 3])
    seen = set()
    for seed in seeds():
        pair = cut(task, stored, (2, 3, 4), seed)
        mirrored = not np.array_equal(pair[0], image)
        expected = (image, classes)
        if mirrored:
            expected = (image[:, :, ::-1], exchanged[:, :, ::-1])
        np.testing.assert_array_equal(pair[0], expected[0])
        np.testing.assert_array_equal(pair[1], expected[1])
        seen.add(mirrored)
    assert seen == {True, False}


def test_single_sagittal_slices_are_not_mirrored(stored):
    names = {1: "left femur", 2: "right femur", 3: "tibia"}
    config = SEGMENTATION.replace(
        classes=tuple(names.values()), random_mirror=True, patch_shape=(8, 9, 1)
    )
    task = pairs_of(config, names)
    plain = pairs_of(config.replace(random_mirror=False), names)
    image, classes = cut(plain, stored, (2, 3, 4), (0, 0))
    assert set(np.unique(classes)) & {1, 2}
    for seed in seeds():
        pair = cut(task, stored, (2, 3, 4), seed)
        np.testing.assert_array_equal(pair[0], image)
        np.testing.assert_array_equal(pair[1], classes)


def test_image_and_classes_are_warped_together(stored):
    # An image that is its own class: 1 in a block, 0 around it.
    block = np.zeros((16, 17, 40), np.uint8)
    block[5:12, 4:13] = 1
    image = block.astype(np.float32) * 400 + 100
    stored = {**stored, "image": image, "label": block}
    task = segmentation(max_rotation_degrees=40.0, max_scaling=0.3, random_mirror=True)
    different = []
    for seed in seeds():
        patch, classes = (p.numpy() for p in cut(task, stored, (3, 3, 9), seed))
        pure = (patch < 1e-4) | (patch > 1 - 1e-4)
        np.testing.assert_allclose(patch[pure], classes[pure], atol=1e-4)
        assert 0.3 < pure.mean() < 1
        assert set(np.unique(classes)) == {0, 1}
        different.append(classes.tobytes())
    assert len(set(different)) == len(different)


@pytest.mark.parametrize("patch_shape", [(8, 9, 6), (8, 9, 1)])
def test_all_augmentation_at_once_follows_its_seed(stored, patch_shape):
    task = segmentation(
        patch_shape=patch_shape,
        random_mirror=True,
        max_rotation_degrees=10.0,
        max_scaling=0.1,
        **(STRENGTHS if patch_shape[2] > 1 else STRENGTHS | {"max_blur": 0.0}),
    )

    def pair(seed):
        image, classes = task.augment(cut(task, stored, (2, 3, 4), seed), seed)
        assert image.shape == classes.shape == (*patch_shape, 1)
        assert (image.dtype, classes.dtype) == (tf.float32, tf.uint8)
        return image.numpy(), classes.numpy()

    first, same, other = pair((1, 2)), pair((1, 2)), pair((1, 3))
    for a, b in zip(first, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])
    assert np.all(np.isfinite(first[0]))


@pytest.mark.parametrize("name", STRENGTHS)
def test_each_strength_changes_the_image_alone_as_its_seed_says(stored, name):
    task = segmentation(**{name: STRENGTHS[name]})
    before = cut(task, stored, (2, 3, 4), (0, 1))
    after, same, other = (task.augment(before, (0, n)) for n in (1, 1, 2))
    assert not np.allclose(after[0], before[0], atol=1e-4)
    np.testing.assert_array_equal(after[0], same[0])
    assert not np.allclose(after[0], other[0], atol=1e-4)
    np.testing.assert_array_equal(after[1], before[1])


@pytest.mark.parametrize("name", ["segmentation", "super_resolution"])
def test_without_strength_no_op_is_added(name):
    task = pairs_of(settings(name)())
    specs = (task.input_spec, task.target_spec)
    pair = tuple(tf.zeros(spec.shape, spec.dtype) for spec in specs)
    unchanged = task.augment(pair, (0, 1))
    assert unchanged[0] is pair[0]
    assert unchanged[1] is pair[1]


def test_tissue_is_measured_on_the_scan_itself():
    pair = ("input", "target")
    assert pairs_of(SuperResolutionConfig()).image(pair) == "target"
    assert segmentation().image(pair) == "input"


def test_measured_profiles_are_refused_before_anything_is_read():
    config = SuperResolutionConfig(slice_profiles=("rect", "profile.txt"))
    with pytest.raises(ValueError, match=r"profile\.txt: sr_cnn learns of rect, "):
        pairs_of(config)
