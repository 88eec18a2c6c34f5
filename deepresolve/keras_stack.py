"""What differs between the two supported stacks, and nothing else.

The default stack is the newest TensorFlow with Keras 3; the other one TensorFlow 2.15
with Keras 2.15, which has no `keras.ops`.
"""

import types

import keras

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3

if KERAS_3:
    ops = keras.ops
else:
    import tensorflow as tf

    def _shape(x) -> tuple:
        """Sizes as numbers where they are known, else as scalar tensors."""
        sizes = tf.shape(x)
        return tuple(sizes[i] if n is None else n for i, n in enumerate(x.shape))

    ops = types.SimpleNamespace(
        cast=tf.cast,
        concatenate=tf.concat,
        log=tf.math.log,
        max=tf.reduce_max,
        maximum=tf.maximum,
        mean=tf.reduce_mean,
        one_hot=tf.one_hot,
        reshape=tf.reshape,
        shape=_shape,
        sqrt=tf.sqrt,
        sum=tf.reduce_sum,
        transpose=tf.transpose,
        where=tf.where,
    )


def shares_batches() -> bool:
    """Whether a model that is built now will share each batch among several devices."""
    if keras.backend.backend() != "tensorflow":
        return False
    from tensorflow import distribute  # as the stack of another backend lacks it

    return distribute.get_strategy().num_replicas_in_sync > 1
