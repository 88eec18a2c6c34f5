"""What a network is made of, each taking planes in their order and giving planes.

Planes come in chunks. A node answers a chunk at once with all planes that can be known
by then, and holds no more than the next ones need: a convolution two planes, a pooling
one, a concatenation those of a skip connection that wait for the levels below.

    planes fed          0 1 2 3    4 5 6 7    8 (the last)
    a convolution holds 2 3        6 7
    its answer          0 1 2      3 4 5 6    7 8
"""

from __future__ import annotations

import abc
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from deepresolve.config.fields import Shape
from deepresolve.inference.convolutions import GROUP, Convolution3


class Chunk(NamedTuple):
    """Planes that lie one after the other.

    Attributes:
      planes: (1, rows, columns, channels) each; nobody changes the list. May be empty.
      is_last: whether no plane comes after them.
    """

    planes: list[tf.Tensor]
    is_last: bool


class Node(abc.ABC):
    """A layer, or several that are computed as one; abstract. It has no state."""

    # How many of its inputs it takes planes of; of a further one it needs the shape.
    num_streams = 1

    def shape(self, *shapes: Shape) -> Shape:
        """(rows, columns, slices) of its output, from those of its inputs."""
        return shapes[0]

    @abc.abstractmethod
    def flow(
        self, shapes: Sequence[Shape], *sources: Iterator[Chunk]
    ) -> Iterator[Chunk]:
        """The chunks of its output for one volume.

        Args:
          shapes: of its inputs.
          *sources: the chunks of its inputs.
        """


class Planewise(Node):
    """The same for every plane by itself.

    Args:
      function: of one plane.
    """

    def __init__(self, function: Callable[[tf.Tensor], tf.Tensor]):
        self._function = function

    def flow(
        self, shapes: Sequence[Shape], *sources: Iterator[Chunk]
    ) -> Iterator[Chunk]:
        """Plane after plane."""
        return map(self._answer, sources[0])

    def _answer(self, chunk: Chunk) -> Chunk:
        return Chunk([self._function(plane) for plane in chunk.planes], chunk.is_last)


class Convolved(Node):
    """A 3x3x3 convolution: plane n needs n - 1, n and n + 1.

    Args:
      convolution: what it computes.

    Attributes:
      num_features: channels of its output.
    """

    def __init__(self, convolution: Convolution3):
        self._convolution = convolution
        self.num_features = convolution.num_features

    def flow(
        self, shapes: Sequence[Shape], *sources: Iterator[Chunk]
    ) -> Iterator[Chunk]:
        """One plane behind."""
        held: list[tf.Tensor | None] = [None]

        def answer(chunk: Chunk) -> Chunk:
            known = [*held, *chunk.planes, *([None] if chunk.is_last else [])]
            held[:] = known[-2:]
            if len(known) < 3:
                return Chunk([], chunk.is_last)
            return Chunk(self._convolution(known), chunk.is_last)

        return map(answer, sources[0])


class Pooled(Node):
    """The largest of 2x2x2 voxels; what is left over at an end counts for nothing."""

    def shape(self, *shapes: Shape) -> Shape:
        """Half of each."""
        rows, columns, slices = shapes[0]
        return rows // 2, columns // 2, slices // 2

    def flow(
        self, shapes: Sequence[Shape], *sources: Iterator[Chunk]
    ) -> Iterator[Chunk]:
        """A plane for two."""
        held: list[tf.Tensor] = []

        def answer(chunk: Chunk) -> Chunk:
            known = [*held, *chunk.planes]
            held[:] = known[len(known) // 2 * 2 :]
            pairs = zip(known[::2], known[1::2], strict=False)
            planes = [
                tf.nn.max_pool2d(tf.maximum(*pair), 2, 2, "VALID") for pair in pairs
            ]
            return Chunk(planes, chunk.is_last)

        return map(answer, sources[0])


class Enlarged(Node):
    """A transposed convolution of 2x2x2 voxels with stride 2.

    Args:
      kernel: (2, 2, 2, filters, channels), as Keras keeps it.
      bias: (filters,).
      dtype: of the planes that it gives. It computes in float32, which costs little:
        rounded twice, here and with the bias, a U-Net's path up is where bfloat16
        moves most voxels of a label map.
    """

    def __init__(self, kernel: np.ndarray, bias: np.ndarray, dtype: str):
        # (rows, columns, slices, f, c) -> slices of (c, rows columns f): each voxel
        # becomes 2x2 of them, which lie side by side as channels at first.
        moved = np.transpose(kernel, (2, 4, 0, 1, 3))
        flat = moved.reshape(2, 1, 1, kernel.shape[-1], -1)
        self._kernels = [tf.cast(matrix, tf.float32) for matrix in flat]
        self._bias, self._dtype = tf.constant(bias, tf.float32), dtype

    def shape(self, *shapes: Shape) -> Shape:
        """Twice of each."""
        rows, columns, slices = shapes[0]
        return 2 * rows, 2 * columns, 2 * slices

    def flow(
        self, shapes: Sequence[Shape], *sources: Iterator[Chunk]
    ) -> Iterator[Chunk]:
        """Two planes for one."""

        def answer(chunk: Chunk) -> Chunk:
            planes = [
                self._enlarge(tf.cast(plane, tf.float32), kernel)
                for plane in chunk.planes
                for kernel in self._kernels
            ]
            return Chunk(planes, chunk.is_last)

        return map(answer, sources[0])

    def _enlarge(self, plane: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        together = tf.nn.conv2d(plane, kernel, 1, "VALID")
        return tf.cast(tf.nn.depth_to_space(together, 2) + self._bias, self._dtype)


class Joined(Node):
    """Two or more inputs, plane by plane; those that come early wait.

    The last input sets the pace: the one that comes from the levels below.

    Args:
      function: of a list of planes, one of each input.
      num: how many inputs there are.
    """

    def __init__(self, function: Callable[[list[tf.Tensor]], tf.Tensor], num: int):
        self._function, self.num_streams = function, num

    def shape(self, *shapes: Shape) -> Shape:
        """That of each.

        Raises:
          ValueError: they differ.
        """
        if len(set(shapes)) > 1:
            raise ValueError(
                f"Layers of {' and '.join(map(str, shapes))} voxels cannot be joined: "
                "this network takes volumes of some sizes only. Pad it to a multiple."
            )
        return shapes[0]

    def flow(
        self, shapes: Sequence[Shape], *sources: Iterator[Chunk]
    ) -> Iterator[Chunk]:
        """As many planes as the last input gives, but few at a time."""
        waiting: list[deque] = [deque() for _ in sources]
        left = shapes[0][2]
        while left:
            _fill(waiting[-1], sources[-1], 1)
            num = min(GROUP, len(waiting[-1]))
            # The others wait for it: as many planes of them are there.
            for queue, source in zip(waiting, sources, strict=True):
                _fill(queue, source, num)
            left -= num
            yield Chunk(
                [self._function([q.popleft() for q in waiting]) for _ in range(num)],
                not left,
            )


def _fill(queue: deque, source: Iterator[Chunk], num: int) -> None:
    """Takes chunks until as many planes wait."""
    while len(queue) < num:
        queue.extend(next(source).planes)
