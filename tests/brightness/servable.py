"""What a server can be asked."""

from __future__ import annotations

from deepresolve.inference.graphs.scaling import estimate_scale
from deepresolve.system.keras_stack import tensorflow_variables
from deepresolve.tasks.servable import (
    DEFAULT_SIGNATURE,
    INPUT,
    Field,
    Servable,
    Signature,
)


def servable(run, options):
    network = run.network(options.dtype)

    def grade(scan):
        scaled = estimate_scale(scan).apply(scan)
        return {"probabilities": network(scaled[None, ..., None], training=False)[0]}

    scan = Field(
        "float32", (1, "rows", "columns", "slices"), "the scan's own", "A scan."
    )
    out = Field("float32", (1, 2), "1", "Last axis: dark, bright")
    signature = Signature(grade, {INPUT: scan}, {"probabilities": out})
    signatures = {"grade": signature, DEFAULT_SIGNATURE: signature}
    return Servable(
        signatures, tensorflow_variables(network), {"grades": ["dark", "bright"]}
    )
