"""What a server can be asked of a network of views: voxels, and where they lie."""

from __future__ import annotations

import tensorflow as tf

from deepresolve.imaging.factor import MAX_FACTOR, MIN_FACTOR
from deepresolve.tasks.servable import Field, Servable, ServingOptions, Signature
from deepresolve.tasks.super_resolution.views.graph import Geometry, ViewsGraph
from deepresolve.tasks.trained_run import TrainedRun

_UNIT = "the scan's own"
_INPUTS = {
    "thick": Field(
        "float32",
        (1, "rows", "columns", "slices"),
        _UNIT,
        "A whole scan of thick slices, canonical, unscaled.",
    ),
    "spacing_mm": Field(
        "float32",
        (3,),
        "mm",
        "From row to row, column to column, slice to slice.",
        example=(0.5, 0.5, 3.0),
    ),
    "slice_thickness_mm": Field(
        "float32",
        (),
        "mm",
        "Of the acquired slices; their spacing where it is not known.",
        example=3.0,
    ),
    "phase_encoded": Field(
        "bool",
        (),
        "1",
        "True: slices were told apart by phase encoding (3D sequences, profile fir); "
        "false: by a slice-selective pulse (2D).",
        example=False,
    ),
}


def servable(run: TrainedRun, options: ServingOptions) -> Servable:
    """A signature for each factor that there is.

    Raises:
      ValueError: not trained yet.
    """
    graph = ViewsGraph(run.network(options.dtype))
    factors = range(MIN_FACTOR, MAX_FACTOR + 1)
    signatures = {
        f"super_resolve_x{factor}": _thin_slices(graph, factor) for factor in factors
    }
    facts = {"class_names": [], "downsample_factors": list(factors)}
    return Servable(signatures, graph.variables, facts)


def _thin_slices(graph: ViewsGraph, factor: int) -> Signature:
    def thin(
        thick: tf.Tensor,
        spacing_mm: tf.Tensor,
        slice_thickness_mm: tf.Tensor,
        phase_encoded: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        geometry = Geometry(spacing_mm, slice_thickness_mm, phase_encoded)
        return {"thin": graph.super_resolve(thick, factor, geometry)}

    output = Field(
        "float32",
        (1, "rows", "columns", f"(slices - 1) * {factor} + 1"),
        _UNIT,
        f"Thin slice {factor} n lies where thick slice n does; not rounded; no voxel "
        "is below the scan's lowest.",
    )
    return Signature(thin, _INPUTS, {"thin": output})
