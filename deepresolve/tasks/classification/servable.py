"""What a server can be asked of a classification."""

from __future__ import annotations

import tensorflow as tf

from deepresolve.inference.graphs.scaling import estimate_scale
from deepresolve.system.keras_stack import tensorflow_variables
from deepresolve.tasks.classification.framing import framed
from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.classification.truth import WHOLE
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
    """The probabilities of a scan's grades.

    Raises:
      ValueError: not trained yet.
    """
    config, network = run.settings(ClassificationConfig), run.network(options.dtype)

    def grade(scan: tf.Tensor) -> dict[str, tf.Tensor]:
        scaled = estimate_scale(scan).apply(scan)
        frame = framed(scaled, config.patch_shape[:2])
        return {"probabilities": network(frame[None, ..., None], training=False)[0]}

    scan = Field(
        "float32",
        (1, "rows", "columns", "slices"),
        "the scan's own",
        "A whole scan, canonical."
        if config.regions == WHOLE
        else f"A piece of a scan ({config.regions}), as it was learned from.",
    )
    probabilities = Field(
        "float32",
        (1, len(config.outputs)),
        "1",
        "Last axis, that a grade is above a value: " + ", ".join(config.outputs),
    )
    whole = Signature(grade, {INPUT: scan}, {"probabilities": probabilities})
    facts = {"outputs": list(config.outputs), "num_grades": config.grade_counts}
    signatures = {"grade": whole, DEFAULT_SIGNATURE: whole}
    return Servable(signatures, tensorflow_variables(network), facts)
