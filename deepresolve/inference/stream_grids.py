"""Layers between grids, as planes stream through them: padding, folding, cropping."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import tensorflow as tf

from deepresolve.config.fields import Shape
from deepresolve.inference.stream_nodes import Chunk, Node
from deepresolve.networks.layers import fold, unfold
from deepresolve.networks.layers.padding import pad


class Padded(Node):
    """`networks.layers.Pad`: the last planes are repeated up to a multiple.

    Args:
      multiples: (f, g, h), of which rows, columns and slices become multiples.
    """

    def __init__(self, multiples: Sequence[int]):
        self._multiples = multiples

    def shape(self, *shapes: Shape) -> Shape:
        """Multiples."""
        rows, columns, slices = (
            -(-n // multiple) * multiple
            for n, multiple in zip(shapes[0], self._multiples, strict=True)
        )
        return rows, columns, slices

    def flow(
        self, shapes: Sequence[Shape], *sources: Iterator[Chunk]
    ) -> Iterator[Chunk]:
        """As many planes as come, and after the last one what is missing."""
        missing = self.shape(*shapes)[2] - shapes[0][2]
        in_plane = (*self._multiples[:2], 1)
        last: list[tf.Tensor] = []  # the last chunk may have none

        def answer(chunk: Chunk) -> Chunk:
            planes = [pad(p[:, :, :, None], in_plane)[:, :, :, 0] for p in chunk.planes]
            last[:] = planes[-1:] or last
            if chunk.is_last:
                planes += last * missing
            return Chunk(planes, chunk.is_last)

        return map(answer, sources[0])


class Folded(Node):
    """`networks.layers.Fold`: neighbouring voxels become channels of one.

    Args:
      factors: (f, g, h) along rows, columns and slices.

    Attributes:
      depth: h.
    """

    def __init__(self, factors: Sequence[int]):
        self._factors, self.depth = factors, factors[2]

    def shape(self, *shapes: Shape) -> Shape:
        """Of the coarser grid."""
        rows, columns, slices = (
            -(-n // factor) for n, factor in zip(shapes[0], self._factors, strict=True)
        )
        return rows, columns, slices

    def flow(
        self, shapes: Sequence[Shape], *sources: Iterator[Chunk]
    ) -> Iterator[Chunk]:
        """A plane for h of them."""
        held: list[tf.Tensor] = []

        def answer(chunk: Chunk) -> Chunk:
            known = [*held, *chunk.planes]
            ready = (
                len(known) if chunk.is_last else len(known) // self.depth * self.depth
            )
            held[:] = known[ready:]
            if not ready:
                return Chunk([], chunk.is_last)
            folded = fold(tf.stack(known[:ready], axis=3), self._factors)
            return Chunk(tf.unstack(folded, axis=3), chunk.is_last)

        return map(answer, sources[0])


class Cropped(Node):
    """`networks.layers.Crop`: what lies beyond the size of the second input goes."""

    def shape(self, *shapes: Shape) -> Shape:
        """That of the second input."""
        return shapes[1]

    def flow(
        self, shapes: Sequence[Shape], *sources: Iterator[Chunk]
    ) -> Iterator[Chunk]:
        """The planes within."""
        rows, columns, left = shapes[1]
        for planes, is_last in sources[0]:
            within = [plane[:, :rows, :columns] for plane in planes[:left]]
            left -= len(within)
            yield Chunk(within, is_last)


class Unfolded(Cropped):
    """`networks.layers.Unfold`: undoes a fold, to the size of the second input.

    Args:
      factors: those of the fold.
    """

    def __init__(self, factors: Sequence[int]):
        self._factors = factors

    def flow(
        self, shapes: Sequence[Shape], *sources: Iterator[Chunk]
    ) -> Iterator[Chunk]:
        """Several planes for one, those within."""
        return super().flow(shapes, map(self._unfold, sources[0]))

    def _unfold(self, chunk: Chunk) -> Chunk:
        if not chunk.planes:
            return chunk
        fine = unfold(tf.stack(chunk.planes, axis=3), self._factors)
        return Chunk(tf.unstack(fine, axis=3), chunk.is_last)
