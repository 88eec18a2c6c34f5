"""SegNet's pooling, which remembers where each maximum was, and its inverse.

Badrinarayanan et al., IEEE TPAMI 2017, section 3. Keras has neither layer;
tensorflow-addons had the second, whose semantics ours keeps. The only layers that need
TensorFlow: no other backend of Keras tells the places of the maxima. It is asked for
when a layer computes, so that all other networks do without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import keras

from deepresolve.system.keras_stack import Tensor, ops, tensorflow

Padding = Literal["SAME", "VALID"]


class _Windows(keras.layers.Layer):
    """What pooling and unpooling share: the windows.

    Args:
      pool_size: rows and columns of a window.
      strides: distance of neighbouring windows.
      padding: "SAME" or "VALID", as of `tf.nn.max_pool_with_argmax`.

    Raises:
      ValueError: another padding.
    """

    def __init__(
        self,
        pool_size: Sequence[int] = (2, 2),
        strides: Sequence[int] = (2, 2),
        padding: Padding = "SAME",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if padding not in ("SAME", "VALID"):
            raise ValueError(f"padding must be 'SAME' or 'VALID'; got {padding!r}.")
        self.pool_size = tuple(pool_size)
        self.strides = tuple(strides)
        self.padding = padding

    def get_config(self) -> dict[str, Any]:
        """Constructor arguments, for Keras's serialisation."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }


@keras.saving.register_keras_serializable("deepresolve")
class MaxPoolingWithIndices2D(_Windows):
    """Max-pooling that also returns where each maximum was.

    Called on (batch, I, J, C) it returns the pair `(pooled, indices)`, both
    (batch, I', J', C). An index, int64, is the place (i J + j) C + c of the maximum
    among the voxels of its own example.

    Args:
      pool_size: rows and columns of a window.
      strides: distance of neighbouring windows.
      padding: "SAME" or "VALID", as of `tf.nn.max_pool_with_argmax`.
    """

    def call(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Pools in float32, for which every device has the operation."""
        tf = tensorflow("Max-pooling with indices")
        pooled, indices = tf.nn.max_pool_with_argmax(
            tf.cast(inputs, tf.float32), self.pool_size, self.strides, self.padding
        )
        return tf.cast(pooled, inputs.dtype), indices


@keras.saving.register_keras_serializable("deepresolve")
class MaxUnpooling2D(_Windows):
    """Puts pooled values back to where they came from, among zeros.

    Call it on `[updates, indices]`, the pair of `MaxPoolingWithIndices2D`, both
    (batch, I', J', C). The result has the size of what was pooled, provided that the
    windows covered it exactly: (batch, s I', t J', C) with strides (s, t) for "SAME",
    (batch, s (I' - 1) + p, t (J' - 1) + q, C) with windows (p, q) for "VALID". Values
    that go to the same place are added.

    Semantics of `tfa.layers.MaxUnpooling2D` (tensorflow-addons 0.23), but that it takes
    a list, and that an index outside its own window is nowhere, where windows lie side
    by side: a choice between the places of a window costs half of a scatter.

    Args:
      pool_size: that of the pooling.
      strides: those of the pooling.
      padding: that of the pooling.
    """

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Chooses where windows lie side by side, and scatters where they do not."""
        tf = tensorflow("Max-unpooling")
        updates, indices = inputs
        indices = tf.cast(indices, tf.int64)
        _, rows, columns, channels = ops.shape(updates)
        rows = self._unpooled_size(rows, 0)
        columns = self._unpooled_size(columns, 1)
        if self.pool_size == self.strides:
            return self._chosen(updates, indices, rows, columns, channels)
        return _scattered(updates, indices, rows, columns, channels)

    def _chosen(
        self, updates: Tensor, indices: Tensor, rows: Any, columns: Any, channels: Any
    ) -> Tensor:
        """Each value in one of the places of its window."""
        tf = tensorflow("Max-unpooling")
        height, width = self.pool_size
        across = tf.range(0, columns, width, dtype=tf.int64)
        down = tf.range(0, rows, height, dtype=tf.int64)
        row = tf.cast(columns * channels, tf.int64)  # from one to the next
        column = tf.cast(channels, tf.int64)
        first = down[:, None, None] * row + across[:, None] * column
        # From the first place of its window.
        steps = indices - (first + tf.range(column))
        zeros = tf.zeros_like(updates)
        in_rows = [
            tf.stack(
                [
                    tf.where(steps == i * row + j * column, updates, zeros)
                    for j in range(width)
                ],
                axis=3,  # (batch, I', J', width, C)
            )
            for i in range(height)
        ]
        unpooled = tf.stack(in_rows, axis=2)  # (batch, I', height, J', width, C)
        return tf.reshape(unpooled, (-1, rows, columns, channels))

    def _unpooled_size(self, size: Any, axis: int) -> Any:
        stride = self.strides[axis]
        if self.padding == "SAME":
            return size * stride
        return (size - 1) * stride + self.pool_size[axis]


def _scattered(
    updates: Tensor, indices: Tensor, rows: Any, columns: Any, channels: Any
) -> Tensor:
    """Each value where its index says; in float32, which every device scatters."""
    tf = tensorflow("Max-unpooling")
    batch = tf.cast(ops.shape(updates)[0], tf.int64)
    # int64: a volume of slices may have more than 2**31 places.
    image_size = tf.cast(rows * columns * channels, tf.int64)
    starts = tf.reshape(tf.range(batch) * image_size, (-1, 1, 1, 1))
    flat = tf.scatter_nd(
        tf.reshape(indices + starts, (-1, 1)),
        tf.reshape(tf.cast(updates, tf.float32), (-1,)),
        tf.reshape(batch * image_size, (1,)),
    )
    unpooled = tf.reshape(flat, (-1, rows, columns, channels))
    return tf.cast(unpooled, updates.dtype)
