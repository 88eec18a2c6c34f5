"""What dropout draws next, so that a resumed run drops what it would have dropped.

Keras leaves that state out of a checkpoint, and Keras 2.15 by default even out of
variables.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import keras
import tensorflow as tf

from deepresolve.system.keras_stack import KERAS_3


@contextlib.contextmanager
def kept_in_variables() -> Iterator[None]:
    """Layers that are made inside keep the state of their random numbers in variables.

    Those of Keras 3 always do.
    """
    if KERAS_3 or keras.backend.experimental.is_tf_random_generator_enabled():
        yield
        return
    keras.backend.experimental.enable_tf_random_generator()
    try:
        yield
    finally:
        keras.backend.experimental.disable_tf_random_generator()


def random_state(model: keras.Model) -> list[tf.Variable]:
    """The variables that decide what the layers of `model` draw next.

    Args:
      model: made inside `kept_in_variables`.
    """
    if KERAS_3:
        weights = {id(weight) for weight in model.weights}
        return [state for state in model.variables if id(state) not in weights]
    return [
        layer._random_generator._generator.state
        for layer in model._flatten_layers(include_self=False)
        if isinstance(layer, keras.__internal__.layers.BaseRandomLayer)
    ]
