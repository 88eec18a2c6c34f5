"""What a served model can be asked, and what its numbers mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from deepresolve.config import Config
from deepresolve.imaging.volume import CANONICAL_ORIENTATION
from deepresolve.runs.workdir import Workdir
from deepresolve.system.keras_stack import tensorflow_variables
from deepresolve.tasks.segmentation.graph import SegmentationGraph, most_probable
from deepresolve.tasks.segmentation.segmenter import load_network
from deepresolve.tasks.super_resolution.graph import SuperResolutionGraph

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

        def of_batch(volume):
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
    """

    signatures: dict[str, Signature]
    variables: list[tf.Variable]


class Options(NamedTuple):
    """How a served network computes: see the flags of the same names."""

    checkpoint: str
    dtype: str
    block_planes: int
    memory_gib: float


def build_servable(run: Workdir, config: Config, options: Options) -> Servable:
    """What a run's network can be asked.

    Raises:
      ValueError: not trained yet, or an option out of range.
    """
    return _SERVABLES[config.task](run, config, options)


def _super_resolution(run: Workdir, config: Config, options: Options) -> Servable:
    """A signature for each factor: no request can ask for one that was not trained."""
    model = run.load_model(options.checkpoint)
    graph = SuperResolutionGraph(model, options.block_planes, options.dtype)
    signatures = {
        f"super_resolve_x{factor}": _thin_slices(graph, factor)
        for factor in config.downsample_factors
    }
    if len(signatures) == 1:
        signatures[DEFAULT_SIGNATURE] = next(iter(signatures.values()))
    return Servable(signatures, [])


def _thin_slices(graph: SuperResolutionGraph, factor: int) -> Signature:
    unit = "the scan's own"
    thin_slices = f"(slices - 1) * {factor} + 1"
    return Signature(
        lambda thick: {"thin": graph.super_resolve(thick, factor)},
        Field(
            "float32",
            (1, "rows", "columns", "slices"),
            unit,
            "A whole scan of thick slices, canonical, unscaled.",
        ),
        {
            "thin": Field(
                "float32",
                (1, "rows", "columns", thin_slices),
                unit,
                f"Thin slice {factor} n lies where thick slice n does; not rounded; "
                "no voxel is below the scan's lowest.",
            )
        },
    )


def _segmentation(run: Workdir, config: Config, options: Options) -> Servable:
    """The label map alone is a signature, as REST cannot leave outputs out."""
    model = load_network(run, config, options.checkpoint, options.dtype)
    graph = SegmentationGraph(model, config, options.memory_gib)
    shape = (1, "rows", "columns", "slices")
    scan = Field("float32", shape, "the scan's own", "A whole scan, canonical.")
    classes = ("background", *config.class_names)
    label_map = Field(
        "uint8",
        shape,
        "number of a class",
        "; ".join(f"{number} {name}" for number, name in enumerate(classes)),
    )
    probabilities = Field(
        "float32",
        (*shape, len(classes)),
        "1; the sum over the last axis is 1",
        "Last axis: " + ", ".join(classes),
    )

    def segment(volume):
        result = graph.probabilities(volume)
        return {"label_map": most_probable(result), "probabilities": result}

    def map_alone(volume):
        return {"label_map": segment(volume)["label_map"]}

    whole = Signature(
        segment,
        scan,
        {"label_map": label_map, "probabilities": probabilities},
    )
    signatures = {
        "segment": whole,
        "label_map": Signature(map_alone, scan, {"label_map": label_map}),
        DEFAULT_SIGNATURE: whole,
    }
    return Servable(signatures, tensorflow_variables(model))


_SERVABLES = {"super_resolution": _super_resolution, "segmentation": _segmentation}
