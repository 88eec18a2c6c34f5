"""The network that a run trains, with its optimizer and its loss."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from deepresolve import networks
from deepresolve.pipeline.pairs import Pairs
from deepresolve.training import replicas
from deepresolve.training.optimizers import build_optimizer, create_variables
from deepresolve.training.resuming import random_state


def compiled_model(
    pairs: Pairs, precision: str, strategy: tf.distribute.Strategy
) -> keras.Model:
    """A network that takes the same steps on any number of devices.

    Args:
      pairs: what the network learns from.
      precision: Keras dtype policy.
      strategy: the devices.

    Raises:
      ValueError: several devices do not train in that precision, or no layer is named
        as those that shall learn.
    """
    replicas.check_precision(precision, strategy)
    config = pairs.config
    with strategy.scope():
        with random_state.kept_in_variables():
            model = networks.build_model(config, precision)
        _freeze(model, config.trained_layers)
        optimizer = build_optimizer(config, precision)
        replicas.clip_whole_gradient(optimizer, strategy)
        loss = networks.build_loss(config)
        replicas.weigh_patches_alike(loss, strategy, config)
        # XLA's convolutions are several times slower on CPUs.
        model.compile(optimizer, loss, jit_compile=False)
        create_variables(model.optimizer, model.trainable_variables)
        replicas.mend_fit(model, strategy, pairs)
    return model


def _freeze(model: keras.Model, trained_layers: Sequence[str]) -> None:
    """Keeps all layers as they begin but those whose names start so; () keeps none.

    Normalisations that are kept go by the statistics that they have.
    """
    if not trained_layers:
        return
    learning = [layer for layer in model.layers if layer.trainable_weights]
    names = [layer.name for layer in learning]
    for start in trained_layers:
        if not any(name.startswith(start) for name in names):
            raise ValueError(
                f"trained_layers: no layer of {model.name} is named {start!r} or "
                f"begins so. There are: {', '.join(names)}."
            )
    for layer in learning:
        layer.trainable = layer.name.startswith(tuple(trained_layers))
