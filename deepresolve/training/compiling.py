"""The network that a run trains, with its optimizer and its loss."""

from __future__ import annotations

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
      ValueError: several devices do not train in that precision.
    """
    replicas.check_precision(precision, strategy)
    config = pairs.config
    with strategy.scope():
        with random_state.kept_in_variables():
            model = networks.build_model(config, precision)
        optimizer = build_optimizer(config, precision)
        replicas.clip_whole_gradient(optimizer, strategy)
        loss = networks.build_loss(config)
        replicas.weigh_patches_alike(loss, strategy, config)
        # XLA's convolutions are several times slower on CPUs.
        model.compile(optimizer, loss, jit_compile=False)
        create_variables(model.optimizer, model.trainable_variables)
        replicas.mend_fit(model, strategy, pairs)
    return model
