"""What a server can be asked of a segmentation."""

from __future__ import annotations

import tensorflow as tf

from deepresolve.system.keras_stack import tensorflow_variables
from deepresolve.tasks.segmentation.graph import SegmentationGraph, most_probable
from deepresolve.tasks.segmentation.known_grid import KnownGrid
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.servable import (
    DEFAULT_SIGNATURE,
    INPUT,
    Field,
    Servable,
    ServingOptions,
    Signature,
)
from deepresolve.tasks.trained_run import TrainedRun


def servable(run: TrainedRun, options: ServingOptions) -> Servable:
    """The label map alone is a signature, as REST cannot leave outputs out.

    Raises:
      ValueError: not trained yet, or an option out of range.
    """
    config, model = run.settings(SegmentationConfig), run.network(options.dtype)
    graph = SegmentationGraph(model, config, options.memory_gib)
    shape = (1, "rows", "columns", "slices")
    known = KnownGrid.of(config)
    asked = "" if known is None else f" {known.request} The server does not resample."
    scan = Field("float32", shape, "the scan's own", f"A whole scan, canonical.{asked}")
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

    def segment(volume: tf.Tensor) -> dict[str, tf.Tensor]:
        result = graph.probabilities(volume)
        return {"label_map": most_probable(result), "probabilities": result}

    def map_alone(volume: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"label_map": segment(volume)["label_map"]}

    whole = Signature(
        segment,
        {INPUT: scan},
        {"label_map": label_map, "probabilities": probabilities},
    )
    signatures = {
        "segment": whole,
        "label_map": Signature(map_alone, {INPUT: scan}, {"label_map": label_map}),
        DEFAULT_SIGNATURE: whole,
    }
    facts = {"class_names": list(config.class_names), "downsample_factors": []}
    return Servable(signatures, tensorflow_variables(model), facts)
