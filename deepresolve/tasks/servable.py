"""What a served model can be asked, and what its numbers mean.

A task says it in `tasks.NAME.servable`: `servable(run, options) -> Servable`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from deepresolve.imaging.volume import CANONICAL_ORIENTATION

INPUT = "scan"  # of a signature that needs nothing else
DEFAULT_SIGNATURE = tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY

_ORIENTATIONS = ", ".join(
    f"{codes} ({plane})" for plane, codes in CANONICAL_ORIENTATION.items()
)
CANONICAL = (
    "Axes are (1, rows, columns, slices), the axis along which slices were acquired "
    "last. Indices along rows, columns and slices grow towards, by the plane of the "
    f"slices: {_ORIENTATIONS}; the letters are nibabel's (R: the patient's right). "
    "Axes are reordered and flipped to that, never resampled."
)


class Field(NamedTuple):
    """One input or output of a signature.

    Attributes:
      dtype: its name.
      shape: sizes, those that a request chooses by name. One scan or result has four or
        more, the first of which is 1: the batch.
      unit: of its numbers.
      meaning: what they are.
      example: of an input that is no scan, values that go with any scan.
    """

    dtype: str
    shape: tuple[int | str, ...]
    unit: str
    meaning: str
    example: float | tuple[float, ...] | None = None

    @property
    def is_scan(self) -> bool:
        """Whether it has a batch of one."""
        return len(self.shape) > 1 and self.shape[0] == 1

    def spec(self, name: str) -> tf.TensorSpec:
        """What a graph takes: any number of scans, so that it can say that one is due.

        Args:
          name: of the input.
        """
        sizes = [size if isinstance(size, int) else None for size in self.shape]
        if self.is_scan:
            sizes[0] = None
        return tf.TensorSpec(sizes, tf.as_dtype(self.dtype), name=name)

    def description(self) -> dict[str, Any]:
        """As JSON values."""
        values = self._asdict()
        if self.example is None:
            del values["example"]
        return values


class Signature(NamedTuple):
    """One thing that a server can be asked.

    Attributes:
      function: takes the inputs, in their order, to the outputs, all without the batch.
      inputs: by name.
      outputs: by name.
    """

    function: Callable[..., dict[str, tf.Tensor]]
    inputs: dict[str, Field]
    outputs: dict[str, Field]

    def traced(self) -> tf.types.experimental.ConcreteFunction:
        """As a graph from scans of any size, (1, rows, columns, slices).

        TensorFlow Serving compares no request with a signature's shape, so the graph
        itself refuses a second scan.
        """

        def of_request(*tensors: tf.Tensor) -> dict[str, tf.Tensor]:
            fields = self.inputs.values()
            outputs = self.function(*map(_without_batch, fields, tensors))
            return {key: value[tf.newaxis] for key, value in outputs.items()}

        specs = [field.spec(name) for name, field in self.inputs.items()]
        return tf.function(of_request).get_concrete_function(*specs)

    def description(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "inputs": {key: f.description() for key, f in self.inputs.items()},
            "outputs": {key: f.description() for key, f in self.outputs.items()},
        }


def _without_batch(field: Field, tensor: tf.Tensor) -> tf.Tensor:
    """The one scan of a request; what is no scan as it is."""
    if not field.is_scan:
        return tensor
    is_one = tf.equal(tf.shape(tensor)[0], 1)
    text = "A request is one scan, (1, rows, columns, slices); got"
    check = tf.debugging.Assert(is_one, [text, tf.shape(tensor)])
    with tf.control_dependencies([check]):
        return tf.identity(tensor)[0]


class Servable(NamedTuple):
    """All that is served of one run.

    Attributes:
      signatures: by name.
      variables: what their graphs read.
      facts: what else its description tells, as JSON values.
    """

    signatures: dict[str, Signature]
    variables: Sequence[tf.Variable]
    facts: dict[str, Any]


class ServingOptions(NamedTuple):
    """How a served network computes.

    Attributes:
      dtype: "float32", or "bfloat16", which is faster where the server has it.
      block_planes: of a network that is streamed: slices in memory at once, per layer.
      memory_gib: of a network that sees windows: for what it holds of one, in GiB.
    """

    dtype: str
    block_planes: int
    memory_gib: float
