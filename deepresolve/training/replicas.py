"""What Keras leaves undone where several devices share the patches of one step.

A step is to be the same on any number of devices. Batch normalisation sees to that in
`deepresolve.networks.blocks`; here are the loss, the clipping of gradients, and what
fails in Keras 3's `fit`. On one device nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable

import keras
import tensorflow as tf

from deepresolve.config import Config
from deepresolve.pipeline.pairs import Pairs
from deepresolve.system.keras_stack import KERAS_3


def check_precision(precision: str, strategy: tf.distribute.Strategy) -> None:
    """ValueError for a precision that several devices have not been seen to train in.

    Loss scaling wraps the optimizer whose clipping `clip_whole_gradient` mends.
    """
    if precision == "mixed_float16" and strategy.num_replicas_in_sync > 1:
        raise ValueError(
            "precision=mixed_float16 trains on one device, not on "
            f"{strategy.num_replicas_in_sync}. Choose --precision=mixed_bfloat16 or "
            "--distribution=single."
        )


def weigh_patches_alike(
    loss: keras.losses.Loss, strategy: tf.distribute.Strategy, config: Config
) -> None:
    """Makes the gradient that of the mean over a batch which does not divide evenly.

    Keras adds up the means of the devices, each divided by their number, as if all had
    as many patches. Here the gradient of each mean is weighted with its patches. Its
    value is left as it is, for Keras weights that right where it keeps the curve.

    Args:
      loss: a mean over the patches that a device has.
      strategy: the devices.
      config: the run.
    """
    if config.batch_size % strategy.num_replicas_in_sync == 0:
        return
    unweighted = loss.call
    even_share = config.batch_size / strategy.num_replicas_in_sync

    def weighted(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        losses = unweighted(y_true, y_pred)
        weight = tf.cast(tf.shape(y_pred)[0], losses.dtype) / even_share
        return losses * weight + tf.stop_gradient(losses * (1 - weight))

    loss.call = weighted  # its class stays what a saved network tells


def clip_whole_gradient(
    optimizer: keras.optimizers.Optimizer, strategy: tf.distribute.Strategy
) -> None:
    """Makes Keras 3 clip the sum of the devices' gradients, not each of them.

    Args:
      optimizer: the one that clips; Keras 2.15 and tensorflow-addons do so already.
      strategy: the devices.
    """
    if not KERAS_3 or strategy.num_replicas_in_sync == 1:
        return
    clip, add_up = optimizer._clip_gradients, optimizer._all_reduce_sum_gradients

    def add_up_and_clip(
        grads_and_vars: Iterable[tuple[tf.Tensor, tf.Variable]],
    ) -> list[tuple[tf.Tensor, tf.Variable]]:
        grads, variables = zip(*add_up(grads_and_vars), strict=True)
        return list(zip(clip(grads), variables, strict=True))

    optimizer._clip_gradients = lambda grads: grads
    optimizer._all_reduce_sum_gradients = add_up_and_clip


def mend_fit(
    model: keras.Model, strategy: tf.distribute.Strategy, pairs: Pairs
) -> None:
    """Makes Keras's `fit` work for unlike shares of a batch, and for several workers.

    Args:
      model: compiled, without metrics.
      strategy: the devices.
      pairs: what it learns from.
    """
    workers = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    if KERAS_3 and (workers or strategy.num_replicas_in_sync > 1):
        # Only to learn their shape, Keras takes the mean of the first batches of all
        # devices, which need not be alike, and may be on other machines.
        batch = tuple(
            keras.KerasTensor((None, *spec.shape))
            for spec in (pairs.input_spec, pairs.target_spec)
        )
        model._symbolic_build(data_batch=batch)
        model._maybe_symbolic_build = lambda **batches: None
    if workers:
        step = model.train_step
        model.train_step = lambda batch: {
            name: _log_of_worker(value, strategy) for name, value in step(batch).items()
        }


def _log_of_worker(value: tf.Tensor, strategy: tf.distribute.Strategy) -> tf.Tensor:
    """A scalar as Keras can put it together with those of the other workers.

    Keras 3 takes their mean along an axis that scalars lack; Keras 2.15 adds up what
    already is the mean of all.
    """
    if KERAS_3:
        return tf.reshape(value, [1])
    return value / strategy.num_replicas_in_sync
