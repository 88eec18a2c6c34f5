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

    ops = types.SimpleNamespace(
        concatenate=tf.concat,
        reshape=tf.reshape,
        shape=lambda x: tuple(tf.unstack(tf.shape(x))),
        transpose=tf.transpose,
    )
