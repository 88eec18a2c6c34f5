"""Batch normalisation that trains at the speed of memory."""

from __future__ import annotations

from typing import Any

import keras

from deepresolve.system.keras_stack import KERAS_3, Tensor, tensorflow


@keras.saving.register_keras_serializable("deepresolve")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer, in one operation of TensorFlow where it learns.

    Keras 3 takes means, variances and what follows from them one by one, in float32
    whatever comes in, and TensorFlow's gradients do so again: four to seven times what
    `fused_batch_norm` takes on a processor, which was a quarter of a step of training
    in float32 and half of one in bfloat16 (`benchmarks/training_steps.py`). Keras 2.15
    fuses by itself. Weights, arguments and results are Keras's. Where it does not
    learn, where several devices share a batch, and on another backend it is Keras's
    layer.
    """

    def call(
        self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """Normalises (batch, ..., C) and, where it learns, its moving statistics."""
        if not (training and self.trainable and self._can_fuse(inputs, mask)):
            return super().call(inputs, training=training, mask=mask)
        tf = tensorflow("fused normalisation")
        normalised, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs,
            self.gamma,
            self.beta,
            epsilon=self.epsilon,
            data_format="NHWC" if len(inputs.shape) == 4 else "NDHWC",
        )
        # Keras has that of the voxels that there are; this is of those they stand for.
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], variance.dtype)
        variance *= (count - 1) / count
        for moving, of_batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            kept = moving * self.momentum
            moving.assign(kept + of_batch * (1 - self.momentum))
        return normalised

    def _can_fuse(self, inputs: Tensor, mask: Any) -> bool:
        """Whether TensorFlow's operation does what is asked for."""
        return (
            KERAS_3
            and keras.backend.backend() == "tensorflow"
            and not (self.synchronized or mask is not None)
            and not getattr(self, "renorm", False)  # newer than Keras 3.8
            and self.scale
            and self.center
            and len(inputs.shape) in (4, 5)
            and self.axis in (-1, len(inputs.shape) - 1)
        )
