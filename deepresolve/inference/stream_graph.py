"""The nodes of a network, and how planes flow from one to the next."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence

import keras

from deepresolve.config.fields import Shape
from deepresolve.inference.convolutions import GROUP
from deepresolve.inference.stream_grids import Folded
from deepresolve.inference.stream_nodes import Chunk, Convolved, Joined, Pooled
from deepresolve.inference.stream_parser import parse

# A U-Net's uppermost skip waits for so many planes for each voxel of its lowest level:
# its ten convolutions there and above look that far ahead, and its poolings.
_PLANES_AHEAD = 7
_MOST_WAITING_GIB = 1.0
_FEW = 2  # convolutions that are cheap to compute once more


class StreamGraph:
    """The nodes of a network, in an order in which each comes after its inputs.

    Args:
      model: of one input, (batch, rows, columns, slices, 1), and one output.
      dtype: what its convolutions compute in.

    Attributes:
      num_outputs: channels of the output.
      chunk: planes to begin with at a time.

    Raises:
      ValueError: it has layers that no planes can stream through.
    """

    def __init__(self, model: keras.Model, dtype: str):
        self.num_outputs = model.output_shape[-1]
        self._steps = parse(model, dtype)
        nodes = [step.node for step in self._steps]
        self._num_poolings = sum(isinstance(node, Pooled) for node in nodes)
        # Below a pooling half as many planes arrive; four are still best there.
        self.chunk = GROUP * (2 if self._num_poolings else 1)
        for node in nodes:
            if isinstance(node, Folded):
                self.chunk *= node.depth

    def flow(self, shape: Shape, volume: Iterator[Chunk]) -> Iterator[Chunk]:
        """The chunks of the network's output for the chunks of one volume.

        Args:
          shape: (rows, columns, slices) of the volume.
          volume: its planes, (1, rows, columns, 1) float32.

        Raises:
          ValueError: the network takes no volume of that shape.
        """
        shapes, forks = [shape], [_Fork(volume)]
        for step in self._steps:
            of_inputs = [shapes[parent] for parent in step.parents]
            # The last input comes from below; the others wait for it.
            sources = [
                self._anew(parent, shapes, forks[0])
                if self._is_better_anew(parent, shapes)
                else forks[parent].branch()
                for parent in step.streams[:-1]
            ]
            sources.append(forks[step.streams[-1]].branch())
            shapes.append(step.node.shape(*of_inputs))
            forks.append(_Fork(step.node.flow(of_inputs, *sources)))
        return forks[-1].branch()

    def _is_better_anew(self, number: int, shapes: Sequence[Shape]) -> bool:
        """Whether a step's planes take too much memory to wait for other planes.

        That is so of the uppermost skip connection of a U-Net of many levels in large
        planes, and it takes two convolutions of the volume, an eighth of a U-Net's
        arithmetic, to compute them once more when they are needed.
        """
        nodes = [self._steps[n - 1].node for n in self._before(number)]
        convolutions = [node for node in nodes if isinstance(node, Convolved)]
        if not convolutions or len(convolutions) > _FEW:
            return False
        if any(isinstance(node, (Pooled, Joined)) for node in nodes):
            return False
        rows, columns, slices = shapes[number]
        waiting = min(slices, _PLANES_AHEAD * 2**self._num_poolings)
        plane_bytes = 4 * rows * columns * convolutions[-1].num_features
        return waiting * plane_bytes > _MOST_WAITING_GIB * 2**30

    def _before(self, number: int) -> list[int]:
        """A step and those that it follows from, in their order."""
        if number == 0:
            return []
        earlier = (self._before(parent) for parent in self._steps[number - 1].streams)
        return [*itertools.chain.from_iterable(earlier), number]

    def _anew(
        self, number: int, shapes: Sequence[Shape], volume: _Fork
    ) -> Iterator[Chunk]:
        """A step's planes, computed once more from those of the volume."""
        if number == 0:
            return volume.branch()
        step = self._steps[number - 1]
        sources = [self._anew(parent, shapes, volume) for parent in step.streams]
        return step.node.flow([shapes[parent] for parent in step.parents], *sources)


class _Fork:
    """One stream for several takers; what one has not taken yet waits.

    Args:
      source: the stream.
    """

    def __init__(self, source: Iterator[Chunk]):
        self._source = source
        self._waiting: list[deque[Chunk]] = []

    def branch(self) -> Iterator[Chunk]:
        """For a taker; none begins before all have theirs."""
        own: deque[Chunk] = deque()
        self._waiting.append(own)
        return iter(lambda: self._next(own), None)

    def _next(self, own: deque[Chunk]) -> Chunk | None:
        if not own:
            chunk = next(self._source, None)
            if chunk is None:
                return None
            for queue in self._waiting:
                queue.append(chunk)
        return own.popleft()
