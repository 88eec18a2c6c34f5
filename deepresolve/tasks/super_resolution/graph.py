"""A whole super-resolution as a graph: `SuperResolver` without Python around it.

Of a network that sees windows, or a volume at once, interpolation, network and scaling
follow one on the other.

A chain is streamed: the graph interpolates and convolves block by block. Each layer
keeps the last two planes it was fed, puts them before the next block, and is ready with
one plane less than it got. The first block is long enough for every layer to have
something to hand on: none is ever left empty. Memory beside the scan and the result:
the result once more while its blocks are put together, and what streaming takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import tensorflow as tf

from deepresolve import networks
from deepresolve.inference.graphs.blending import blended, fitting_window
from deepresolve.inference.graphs.chain import parse_chain
from deepresolve.inference.graphs.convolution import (
    plane_convolution,
    to_planes,
    to_slices,
)
from deepresolve.inference.graphs.interpolation import cubic_matrix
from deepresolve.inference.graphs.scaling import estimate_scale
from deepresolve.system.keras_stack import tensorflow_variables
from deepresolve.tasks.servable import ServingOptions
from deepresolve.tasks.super_resolution.engines import window_rule
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

DEFAULT_BLOCK_PLANES = 16

# What each layer keeps of the planes that it was fed.
Held = tuple[tf.Tensor, ...]


def graph_of_run(
    model: keras.Model, config: SuperResolutionConfig, options: ServingOptions
) -> StreamedGraph | WholeGraph:
    """The graph of a network, by the engine that its line in the table names.

    Args:
      model: the network, built to compute in `options.dtype`.
      config: the run that trained it.
      options: how it computes.

    Raises:
      ValueError: a network that cannot be streamed, though it says so, or an option
        out of range.
    """
    engine = networks.find_model(config).engine
    if engine == "stream":
        return StreamedGraph(model, options.block_planes, options.dtype)

    def whole(voxels: tf.Tensor) -> tf.Tensor:
        return model(voxels, training=False)

    rule = window_rule(config)

    def at_once(volume: tf.Tensor) -> tf.Tensor:
        return whole(volume[tf.newaxis, ..., tf.newaxis])[0, ..., 0]

    def in_windows(volume: tf.Tensor) -> tf.Tensor:
        window = fitting_window(tf.shape(volume), rule, options.memory_gib)
        return blended(whole, volume, window, rule)[..., 0]

    enhance = at_once if engine == "whole" else in_windows
    return WholeGraph(enhance, tensorflow_variables(model))


class _Interpolation:
    """A scan scaled to 0..1 and interpolated onto the thin grid, slices as asked for.

    Args:
      thick: (rows, columns, n) float32, canonical, in its own units.
      factor: thin slices per thick slice spacing.
    """

    def __init__(self, thick: tf.Tensor, factor: int):
        self.scale = estimate_scale(thick)
        self.rows, self.columns, num_thick = tf.unstack(tf.shape(thick))
        self._matrix = cubic_matrix(num_thick, factor)
        self.num_slices = tf.shape(self._matrix)[0]
        self._scaled = tf.reshape(self.scale.apply(thick), [-1, num_thick])

    def slices(self, start: tf.Tensor | int, stop: tf.Tensor) -> tf.Tensor:
        """(rows, columns, stop - start) float32 of the thin grid."""
        thin = tf.matmul(self._scaled, self._matrix[start:stop], transpose_b=True)
        return tf.reshape(thin, [self.rows, self.columns, stop - start])


class WholeGraph:
    """A trained network as functions of tensors, applied to all slices together.

    Args:
      enhance: the network: takes an interpolated volume, (rows, columns, slices)
        float32 scaled to 0..1, to a sharper one of the same shape.
      variables: what it reads.
    """

    def __init__(
        self,
        enhance: Callable[[tf.Tensor], tf.Tensor],
        variables: Sequence[tf.Variable],
    ):
        self._enhance = enhance
        self.variables = variables

    def super_resolve(self, thick: tf.Tensor, factor: int) -> tf.Tensor:
        """Thin slices from thick ones, in the scan's own units.

        Args:
          thick: (rows, columns, n) float32, canonical.
          factor: thin slices per thick slice spacing.

        Returns:
          (rows, columns, (n - 1) * factor + 1) float32; no voxel is below the lowest
          of `thick` (`imaging.floor`).
        """
        thin = _Interpolation(thick, factor)
        sharp = thin.scale.invert(self._enhance(thin.slices(0, thin.num_slices)))
        return tf.maximum(sharp, tf.reduce_min(thick))


class StreamedGraph:
    """A trained chain of convolutions as functions of tensors.

    Args:
      model: a residual chain of 3x3x3 convolutions.
      block_planes: planes streamed at once; more are faster and take more memory.
      dtype: what the convolutions compute in, "float32" or "bfloat16".

    Raises:
      ValueError: no such network, or block_planes is below 1.
    """

    # Its weights are constants.
    variables: Sequence[tf.Variable] = ()

    def __init__(
        self,
        model: keras.Model,
        block_planes: int = DEFAULT_BLOCK_PLANES,
        dtype: str = "float32",
    ):
        if block_planes < 1:
            raise ValueError(f"block_planes must be at least 1; got {block_planes}.")
        self._dtype = dtype
        self._factors, layers = parse_chain(model)
        self._convolutions = [plane_convolution(layer, dtype) for layer in layers]
        self._channels = [layer.get_weights()[0].shape[3] for layer in layers]
        self._step = block_planes * self._factors[2]
        self._first_step = max(block_planes, len(layers) + 1) * self._factors[2]

    def super_resolve(self, thick: tf.Tensor, factor: int) -> tf.Tensor:
        """Thin slices from thick ones, in the scan's own units.

        Args:
          thick: (rows, columns, n) float32, canonical.
          factor: thin slices per thick slice spacing.

        Returns:
          (rows, columns, (n - 1) * factor + 1) float32; no voxel is below the lowest
          of `thick` (`imaging.floor`).
        """
        floor = tf.reduce_min(thick)
        interpolation = _Interpolation(thick, factor)
        rows, columns = interpolation.rows, interpolation.columns
        num_thin, interpolated = interpolation.num_slices, interpolation.slices

        def step(
            start: tf.Tensor, done: tf.Tensor, held: Held, blocks: tf.TensorArray
        ) -> tuple[tf.Tensor, tf.Tensor, Held, tf.TensorArray]:
            length = tf.where(start == 0, self._first_step, self._step)
            stop = tf.minimum(start + length, num_thin)
            held, residual = self._push(held, interpolated(start, stop), stop, num_thin)
            # The last block may hold slices that only filled the fold up.
            ready = tf.minimum(done + tf.shape(residual)[2], num_thin)
            residual = residual[:rows, :columns, : ready - done]
            thin = interpolated(done, ready) + residual
            thin = interpolation.scale.invert(thin)
            thin = tf.maximum(thin, floor)
            # (rows, columns, slices) -> (slices, rows, columns), to be put together
            blocks = blocks.write(blocks.size(), tf.transpose(thin, (2, 0, 1)))
            return stop, ready, held, blocks

        blocks = self._loop(step, num_thin, self._nothing_held(rows, columns))
        return tf.transpose(blocks, (1, 2, 0))

    def _loop(self, step: Callable, num_thin: tf.Tensor, held: tuple) -> tf.Tensor:
        """Steps until all slices have been fed: (slices, rows, columns)."""
        blocks = tf.TensorArray(
            tf.float32,
            0,
            dynamic_size=True,
            infer_shape=False,
            element_shape=(None, None, None),
        )
        *_, blocks = tf.while_loop(
            lambda start, *_: start < num_thin,
            step,
            (0, 0, held, blocks),
            shape_invariants=(
                tf.TensorShape(()),
                tf.TensorShape(()),
                tuple(tf.TensorShape((1, None, None, None, c)) for c in self._channels),
                tf.TensorShape(None),
            ),
            parallel_iterations=1,
        )
        return blocks.concat()

    def _push(
        self, held: Held, block: tf.Tensor, stop: tf.Tensor, num_thin: tf.Tensor
    ) -> tuple[Held, tf.Tensor]:
        """Takes a block through all layers: what each holds then, and the residual."""
        planes = to_planes(block, self._factors, self._dtype)
        num_edges = tf.cast(stop >= num_thin, tf.int32)
        holding = []
        for convolve, kept in zip(self._convolutions, held, strict=True):
            edge = tf.zeros_like(kept[:, :num_edges])
            joined = tf.concat([kept, planes, edge], axis=1)
            holding.append(joined[:, -2:])
            planes = convolve(joined)
        return tuple(holding), to_slices(planes, self._factors)

    def _nothing_held(self, rows: tf.Tensor, columns: tf.Tensor) -> tuple:
        """What the layers hold before the first block: the zero plane before it."""
        f, g, _ = self._factors
        in_plane = [-(-rows // f), -(-columns // g)]
        return tuple(
            tf.zeros([1, 1, *in_plane, channels], self._dtype)
            for channels in self._channels
        )
