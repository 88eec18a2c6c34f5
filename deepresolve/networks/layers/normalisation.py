"""Batch normalisation that trains at the speed of memory."""

from __future__ import annotations

from typing import Any

import keras

from deepresolve.system.keras_stack import KERAS_3, Tensor, tensorflow

# Channels of half precision that oneDNN takes at once. It has slow ways alone for what
# is left: of 8 or 12 channels in bfloat16, ten times as long as in float32.
_HALF_AT_ONCE = 16


@keras.saving.register_keras_serializable("deepresolve")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Keras's layer, in one operation of TensorFlow where it learns.

    Keras 3 takes means, variances and what follows from them one by one, in float32
    whatever comes in, and TensorFlow's gradients do so again: four to seven times what
    `fused_batch_norm` takes on a processor, which was a third of a step of training in
    float32 and two fifths of one in bfloat16 (`benchmarks/training_steps.py`). Keras
    2.15 fuses by itself. Weights, arguments and results are Keras's. Where it does not
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
        shape, channels = tf.shape(inputs), inputs.shape[-1]
        # As an image: volumes go another way through TensorFlow, as slow as Keras's.
        image = tf.reshape(inputs, (shape[0], shape[1], -1, channels))
        if channels % _HALF_AT_ONCE:
            image = tf.cast(image, "float32")
        normalised, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            image,
            self.gamma,
            self.beta,
            epsilon=self.epsilon,
        )
        # Keras has that of the voxels that there are; this is of those they stand for.
        count = tf.cast(tf.size(inputs) // channels, variance.dtype)
        variance *= (count - 1) / count
        for moving, of_batch in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            kept = moving * self.momentum
            moving.assign(kept + of_batch * (1 - self.momentum))
        normalised = tf.cast(tf.reshape(normalised, shape), inputs.dtype)
        return tf.ensure_shape(normalised, inputs.shape)

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
