"""What differs between the two supported stacks, and nothing else.

The default stack is the newest TensorFlow with Keras 3; the other one TensorFlow 2.15
with Keras 2.15, which has no `keras.ops`.
"""

import logging
import types
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3

# A notebook or a keras.json may have set it: losses and optimizers would compute in it.
if keras.backend.floatx() != "float32":
    logging.getLogger(__name__).warning(
        "Keras is set to floatx=%s, by keras.json or set_floatx. DeepResolve computes "
        "its losses in float32, and sets it to that.",
        keras.backend.floatx(),
    )
    keras.backend.set_floatx("float32")

# A tensor of Keras's backend, or the symbol of one where a network is built.
Tensor = Any

if KERAS_3:
    ops = keras.ops
else:
    import tensorflow as tf

    def _shape(x: Tensor) -> tuple:
        """Sizes as numbers where they are known, else as scalar tensors."""
        sizes = tf.shape(x)
        return tuple(sizes[i] if n is None else n for i, n in enumerate(x.shape))

    ops = types.SimpleNamespace(
        argmax=tf.argmax,
        cast=tf.cast,
        concatenate=tf.concat,
        log=tf.math.log,
        max=tf.reduce_max,
        maximum=tf.maximum,
        mean=tf.reduce_mean,
        min=tf.reduce_min,
        one_hot=tf.one_hot,
        reshape=tf.reshape,
        shape=_shape,
        sqrt=tf.sqrt,
        sum=tf.reduce_sum,
        transpose=tf.transpose,
        where=tf.where,
    )


def tensorflow(purpose: str) -> types.ModuleType:
    """TensorFlow itself, for what Keras's other backends lack.

    Args:
      purpose: what needs it, for the error.

    Raises:
      ValueError: Keras runs on another backend.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise ValueError(
            f"{purpose} needs TensorFlow, and Keras runs on {backend} here. Set "
            "KERAS_BACKEND=tensorflow, or choose one that does without."
        )
    import tensorflow  # as the stack of another backend lacks it

    return tensorflow


def shares_batches() -> bool:
    """Whether a model that is built now will share each batch among several devices."""
    if keras.backend.backend() != "tensorflow":
        return False
    tf = tensorflow("sharing a batch")
    return tf.distribute.get_strategy().num_replicas_in_sync > 1


def tensorflow_variables(model: keras.Model) -> list:
    """A model's variables as TensorFlow has them."""
    return [v.value if KERAS_3 else v for v in model.variables]


def loss_scale(optimizer: keras.optimizers.Optimizer) -> float:
    """What a `LossScaleOptimizer` multiplies the loss with now."""
    return float(optimizer.dynamic_scale if KERAS_3 else optimizer.loss_scale)


def step_on(train_function: Callable, batch: Sequence[Tensor]) -> Any:
    """Calls a model's `train_function` with a batch in the place of an iterator.

    Args:
      train_function: as `keras.Model.fit` uses it: takes an iterator, does one step.
      batch: what `next` of that iterator gave.
    """
    # Keras 3 runs over any iterable; Keras 2.15 traces `next(iterator)`.
    return train_function([batch] if KERAS_3 else _OneBatch(*batch))


class _OneBatch(NamedTuple):
    """A batch that is its own iterator, and a structure of tensors to TensorFlow."""

    input: Any
    target: Any

    def __next__(self) -> tuple[Any, ...]:
        return tuple(self)
