"""The nodes of a network, and how planes flow from one to the next."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator

import keras

from deepresolve.config.fields import Shape
from deepresolve.inference.convolutions import GROUP
from deepresolve.inference.stream_grids import Folded
from deepresolve.inference.stream_nodes import Chunk, Pooled
from deepresolve.inference.stream_parser import parse


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
        # Below a pooling half as many planes arrive; four are still best there.
        self.chunk = GROUP * (2 if any(isinstance(n, Pooled) for n in nodes) else 1)
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
        takers = Counter(number for step in self._steps for number in step.streams)
        takers[len(self._steps)] = 1  # who takes the result
        shapes, forks = [shape], [_Fork(volume, takers[0])]
        for number, step in enumerate(self._steps, start=1):
            of_inputs = [shapes[parent] for parent in step.parents]
            sources = [forks[parent].branch() for parent in step.streams]
            shapes.append(step.node.shape(*of_inputs))
            forks.append(_Fork(step.node.flow(of_inputs, *sources), takers[number]))
        return forks[-1].branch()


class _Fork:
    """One stream for several takers; what one has not taken yet waits.

    Args:
      source: the stream.
      num: how many takers there are.
    """

    def __init__(self, source: Iterator[Chunk], num: int):
        self._source = source
        self._waiting: list[deque[Chunk]] = [deque() for _ in range(num)]
        self._free = iter(self._waiting)

    def branch(self) -> Iterator[Chunk]:
        """For the next taker."""
        own = next(self._free)
        return iter(lambda: self._next(own), None)

    def _next(self, own: deque[Chunk]) -> Chunk | None:
        if not own:
            chunk = next(self._source, None)
            if chunk is None:
                return None
            for queue in self._waiting:
                queue.append(chunk)
        return own.popleft()
