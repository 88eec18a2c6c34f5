"""What a served model can be asked, and what its numbers mean.

A task says it in `tasks.NAME.servable`: `servable(run, options) -> Servable`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from deepresolve.imaging.volume import CANONICAL_ORIENTATION

INPUT = "scan"  # of every signature
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
    """One input or output of a signature."""

    dtype: str
    shape: tuple[int | str, ...]
    unit: str
    meaning: str


class Signature(NamedTuple):
    """One thing that a server can be asked.

    Attributes:
      function: takes (rows, columns, slices) float32 to the outputs, without the batch.
      scan: the only input, named `INPUT`.
      outputs: by name.
    """

    function: Callable[[tf.Tensor], dict[str, tf.Tensor]]
    scan: Field
    outputs: dict[str, Field]

    def traced(self) -> tf.types.experimental.ConcreteFunction:
        """As a graph from (1, rows, columns, slices) of any size.

        TensorFlow Serving compares no request with a signature's shape, so the graph
        itself refuses a second scan.
        """

        def of_batch(volume: tf.Tensor) -> dict[str, tf.Tensor]:
            is_one = tf.equal(tf.shape(volume)[0], 1)
            text = "A request is one scan, (1, rows, columns, slices); got"
            with tf.control_dependencies(
                [tf.debugging.Assert(is_one, [text, tf.shape(volume)])]
            ):
                volume = tf.identity(volume)
            outputs = self.function(volume[0])
            return {key: value[tf.newaxis] for key, value in outputs.items()}

        spec = tf.TensorSpec((None, None, None, None), tf.float32, name=INPUT)
        return tf.function(of_batch).get_concrete_function(spec)

    def description(self) -> dict[str, Any]:
        """As JSON values."""
        outputs = {key: value._asdict() for key, value in self.outputs.items()}
        return {"inputs": {INPUT: self.scan._asdict()}, "outputs": outputs}


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
