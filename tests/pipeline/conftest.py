"""What tests of the pipeline share."""

import numpy as np
import pytest
import tensorflow as tf

# A sagittal scan as it is stored: rows inferior, columns posterior, slices left.
SAGITTAL = np.array(
    [[0, 0, -0.7, 9], [0, -0.5, 0, 8], [-0.4, 0, 0, 7], [0, 0, 0, 1]], np.float64
)


@pytest.fixture(params=["eager", "tf.data"])
def compute(request):
    """Calls a function of tensors, at once or within tf.data; the result in NumPy."""

    def call(function, *arguments):
        tensors = tuple(tf.convert_to_tensor(argument) for argument in arguments)
        if request.param == "eager":
            return function(*tensors).numpy()
        dataset = tf.data.Dataset.from_tensors(tensors).map(function)
        return next(iter(dataset)).numpy()

    return call


@pytest.fixture
def draw():
    """Many draws of a function of a seed, stacked, in NumPy."""

    def many(sample, count=500):
        seeds = tf.data.Dataset.range(count).map(lambda n: tf.stack([n, n * 0 + 7]))
        return next(iter(seeds.map(sample).batch(count))).numpy()

    return many


@pytest.fixture
def labelled_source():
    """Makes the `volumes` of a segmentation from (image in 0..1, label) arrays."""
    signature = {
        "image": tf.TensorSpec((None, None, None), tf.float32),
        "label": tf.TensorSpec((None, None, None), tf.uint8),
        "intensity": tf.TensorSpec((2,), tf.float32),
        "affine": tf.TensorSpec((4, 4), tf.float64),
        "subject": tf.TensorSpec((), tf.string),
    }

    def source(scans, affine=SAGITTAL):
        def generate():
            for number, (image, label) in enumerate(scans):
                yield {
                    "image": image,
                    "label": label,
                    "intensity": np.array([0, 1], np.float32),
                    "affine": affine,
                    "subject": f"knee-{number}",
                }

        return lambda seed: tf.data.Dataset.from_generator(
            generate, output_signature=signature
        )

    return source
