"""Oracles: SciPy's dissimilarities, Keras's cross-entropy, loops in NumPy float64."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.spatial import distance

from deepresolve.networks.losses import overlap as segmentation

NUM_CLASSES = 4
FUNCTIONS = {
    "dice": segmentation.soft_dice,
    "dice_cross_entropy": segmentation.dice_cross_entropy,
    "tversky": segmentation.tversky,
    "generalised_dice": segmentation.generalised_dice,
}
CLASSES = {
    "dice": segmentation.Dice,
    "dice_cross_entropy": segmentation.DiceCrossEntropy,
    "tversky": segmentation.Tversky,
    "generalised_dice": segmentation.GeneralisedDice,
}
every_loss = pytest.mark.parametrize("name", sorted(FUNCTIONS))


def one_hot(numbers):
    return np.eye(NUM_CLASSES, dtype=np.float32)[numbers]


@pytest.fixture
def numbers():
    """Class numbers of two examples; the second one lacks class 3."""
    rng = np.random.default_rng(0)
    examples = rng.integers(0, [[[[NUM_CLASSES]]], [[[NUM_CLASSES - 1]]]], (2, 5, 4, 3))
    return examples.astype(np.uint8)


@pytest.fixture
def probabilities():
    drawn = np.random.default_rng(1).dirichlet(np.ones(NUM_CLASSES), (2, 5, 4, 3))
    return drawn.astype(np.float32)


def mean_of_classes(fraction, t, p):
    """1 - the mean of `fraction` over foreground classes, for each example."""
    t, p = (x.astype(np.float64).reshape(len(x), -1, NUM_CLASSES) for x in (t, p))
    return [
        1 - np.mean([fraction(t[b, :, c], p[b, :, c]) for c in range(1, NUM_CLASSES)])
        for b in range(len(t))
    ]


def numpy_dice(t, p):
    return (2 * t @ p + 1) / (t.sum() + p.sum() + 1)


def numpy_tversky(t, p):
    found = t @ p + 1
    return found / (found + 0.3 * (1 - t) @ p + 0.7 * t @ (1 - p))


def numpy_cross_entropy(t, p):
    return [-np.log(p[b][t[b] == 1]).mean() for b in range(len(t))]


def numpy_generalised_dice(t, p):
    losses_of_examples = []
    for example_t, example_p in zip(t.astype(float), p.astype(float), strict=True):
        true, predicted = example_t.sum((0, 1, 2)), example_p.sum((0, 1, 2))
        weights = np.array([1 / n**2 if n else 0 for n in true])
        weights[true == 0] = weights.max()
        overlap = (example_t * example_p).sum((0, 1, 2))
        fraction = 2 * weights @ overlap / (weights @ (true + predicted))
        losses_of_examples.append(1 - fraction)
    return losses_of_examples


def numpy_losses(t, p):
    dice = mean_of_classes(numpy_dice, t, p)
    return {
        "dice": dice,
        "dice_cross_entropy": np.add(dice, numpy_cross_entropy(t, p)),
        "tversky": mean_of_classes(numpy_tversky, t, p),
        "generalised_dice": numpy_generalised_dice(t, p),
    }


@every_loss
def test_losses_are_numpys(name, numbers, probabilities):
    t = one_hot(numbers)
    loss = FUNCTIONS[name](t, probabilities)
    assert loss.shape == (2,)
    expected = numpy_losses(t, probabilities)[name]
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_of_masks_dice_is_scipys(numbers):
    t, p = one_hot(numbers[:1]), one_hot(numbers[:1, ::-1])
    loss = segmentation.soft_dice(t, p, smoothing=0.0)
    expected = np.mean(
        [
            distance.dice(t[..., c].ravel() > 0, p[..., c].ravel() > 0)
            for c in range(1, NUM_CLASSES)
        ]
    )
    np.testing.assert_allclose(loss, [expected], rtol=1e-6)


def test_of_masks_tversky_with_ones_is_scipys_jaccard(numbers):
    t, p = one_hot(numbers[:1]), one_hot(numbers[:1, ::-1])
    loss = segmentation.tversky(t, p, alpha=1.0, beta=1.0, smoothing=0.0)
    expected = np.mean(
        [
            distance.jaccard(t[..., c].ravel() > 0, p[..., c].ravel() > 0)
            for c in range(1, NUM_CLASSES)
        ]
    )
    np.testing.assert_allclose(loss, [expected], rtol=1e-6)


def test_tversky_with_halves_is_dice_of_twice_the_smoothing(numbers, probabilities):
    t = one_hot(numbers)
    loss = segmentation.tversky(t, probabilities, alpha=0.5, beta=0.5, smoothing=2.0)
    expected = segmentation.soft_dice(t, probabilities, smoothing=4.0)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


def test_cross_entropy_is_keras(numbers, probabilities):
    t = one_hot(numbers)
    voxels = np.asarray(keras.losses.categorical_crossentropy(t, probabilities))
    loss = segmentation.cross_entropy(t, probabilities)
    np.testing.assert_allclose(loss, voxels.mean((1, 2, 3)), rtol=1e-5)


def test_tversky_weighs_misses_and_false_alarms():
    # By hand: 2 voxels of 4 are class 1. With s = 0, one miss is 1/(1 + beta), one
    # false alarm 2/(2 + alpha).
    t = np.eye(2, dtype=np.float32)[[1, 1, 0, 0]].reshape(1, 4, 1, 1, 2)
    miss = np.eye(2, dtype=np.float32)[[1, 0, 0, 0]].reshape(t.shape)
    false_alarm = np.eye(2, dtype=np.float32)[[1, 1, 1, 0]].reshape(t.shape)
    loss = segmentation.tversky(t, miss, smoothing=0.0)
    np.testing.assert_allclose(loss, [1 - 1 / 1.7], rtol=1e-6)
    loss = segmentation.tversky(t, false_alarm, smoothing=0.0)
    np.testing.assert_allclose(loss, [1 - 2 / 2.3], rtol=1e-6)


def test_background_counts_in_no_dice_but_the_generalised():
    # All voxels are background: only the other classes' probabilities matter.
    t = one_hot(np.zeros((1, 4, 4, 4), int))
    p = np.full(t.shape, 0.25, np.float32)
    # By hand: each foreground class has s / (sum p + s) = 1 / (64 / 4 + 1).
    np.testing.assert_allclose(segmentation.soft_dice(t, p), [1 - 1 / 17], rtol=1e-6)
    # By hand: equal weights: 1 - 2 * 16 / (64 + 64).
    np.testing.assert_allclose(segmentation.generalised_dice(t, p), [0.75], rtol=1e-6)


@every_loss
def test_perfect_estimates_cost_nothing(name, numbers):
    t = one_hot(numbers)
    np.testing.assert_allclose(FUNCTIONS[name](t, t), [0, 0], atol=1e-6)


@every_loss
def test_examples_do_not_see_each_other(name, numbers, probabilities):
    t = one_hot(numbers)
    together = FUNCTIONS[name](t, probabilities)
    alone = [FUNCTIONS[name](t[b : b + 1], probabilities[b : b + 1]) for b in (0, 1)]
    np.testing.assert_allclose(together, np.ravel(alone), rtol=1e-6)


@every_loss
@pytest.mark.parametrize("true_class", [0, 1])
@pytest.mark.parametrize("predicted_class", [0, 1])
@pytest.mark.parametrize("certainty", [0.0, 10.0, 1e4])
def test_empty_and_full_masks_have_finite_gradients(
    name, true_class, predicted_class, certainty
):
    t = one_hot(np.full((1, 3, 4, 5), true_class))
    logits = tf.constant(certainty * one_hot(np.full((1, 3, 4, 5), predicted_class)))
    with tf.GradientTape() as tape:
        tape.watch(logits)
        p = tf.nn.softmax(logits)
        tape.watch(p)
        loss = FUNCTIONS[name](t, p)
    assert np.isfinite(loss).all()
    for gradient in tape.gradient(loss, [p, logits]):
        assert np.isfinite(gradient).all()


@every_loss
def test_descending_the_gradient_finds_the_truth(name, numbers):
    t = one_hot(numbers)
    logits = tf.zeros(t.shape)
    for _ in range(20):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            loss = tf.reduce_sum(FUNCTIONS[name](t, tf.nn.softmax(logits)))
        logits -= 0.2 * tf.sign(tape.gradient(loss, logits))
    np.testing.assert_array_equal(np.argmax(logits, -1), numbers)


@every_loss
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_summed_in_float32(name, dtype):
    # 70,000 voxels: neither sums beyond 65,504 (float16) nor of more than 256 ones
    # (bfloat16) would come out right.
    shape = (1, 70, 100, 10)
    t = one_hot(np.random.default_rng(0).integers(0, NUM_CLASSES, shape))
    p = tf.constant(0.25 + 0.5 * (t - 0.25), dtype)  # 0.625 and 0.125: exact
    loss = FUNCTIONS[name](t, p)
    assert loss.dtype == tf.float32
    expected = numpy_losses(t, np.asarray(tf.cast(p, tf.float32)))[name]
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


@every_loss
def test_large_patches_are_summed_exactly(name):
    # A published patch; one long float32 sum of its voxels would be off by percents.
    numbers = np.zeros((1, 288, 288, 32), np.uint8)
    numbers[:, 100:150, 100:150] = 1
    t = np.eye(3, dtype=np.float32)[numbers]
    p = np.full(t.shape, 0.1, np.float32)
    p[..., 0] = 0.8
    voxels, tissue = numbers.size, 50 * 50 * 32
    dice = [(0.2 * tissue + 1) / (tissue + 0.1 * voxels + 1), 1 / (0.1 * voxels + 1)]
    cross_entropy = -np.log([0.8, 0.1]) @ [1 - tissue / voxels, tissue / voxels]
    true = np.array([voxels - tissue, tissue, 0.0])
    weights = np.array([1 / true[0] ** 2, 1 / tissue**2, 1 / tissue**2])
    predicted = np.array([0.8, 0.1, 0.1])
    overlap = weights @ (true * predicted)
    found, false_alarms = 0.1 * tissue + 1, 0.1 * (voxels - tissue)
    tversky = [
        found / (found + 0.3 * false_alarms + 0.7 * 0.9 * tissue),
        1 / (1 + 0.3 * 0.1 * voxels),
    ]
    expected = {
        "dice": 1 - np.mean(dice),
        "dice_cross_entropy": 1 - np.mean(dice) + cross_entropy,
        "generalised_dice": 1 - 2 * overlap / (weights @ (true + voxels * predicted)),
        "tversky": 1 - np.mean(tversky),
    }
    np.testing.assert_allclose(FUNCTIONS[name](t, p), [expected[name]], rtol=1e-5)


@every_loss
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.float32])
def test_classes_take_class_numbers_and_the_mean(name, dtype, numbers, probabilities):
    loss = CLASSES[name]()(numbers[..., np.newaxis].astype(dtype), probabilities)
    expected = np.mean(FUNCTIONS[name](one_hot(numbers), probabilities))
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


@every_loss
def test_classes_survive_serialisation(name):
    config = keras.saving.serialize_keras_object(CLASSES[name]())
    assert isinstance(keras.saving.deserialize_keras_object(config), CLASSES[name])
