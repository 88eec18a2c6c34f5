"""What a server can be asked of a super-resolution."""

from __future__ import annotations

from deepresolve.networks import find_model
from deepresolve.tasks.servable import (
    DEFAULT_SIGNATURE,
    INPUT,
    Field,
    Servable,
    ServingOptions,
    Signature,
)
from deepresolve.tasks.super_resolution.graph import (
    StreamedGraph,
    WholeGraph,
    graph_of_run,
)
from deepresolve.tasks.super_resolution.options import VIEWS
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.views import servable as views
from deepresolve.tasks.trained_run import TrainedRun


def servable(run: TrainedRun, options: ServingOptions) -> Servable:
    """A signature for each factor: no request can ask for one that was not trained.

    A network of views has one for each factor that there is.

    Raises:
      ValueError: not trained yet, or an option out of range.
    """
    config = run.settings(SuperResolutionConfig)
    if find_model(config).engine == VIEWS:
        return views.servable(run, options)
    factors = config.downsample_factors
    model = run.network(options.dtype)
    graph = graph_of_run(model, config, options)
    signatures = {
        f"super_resolve_x{factor}": _thin_slices(graph, factor) for factor in factors
    }
    if len(signatures) == 1:
        signatures[DEFAULT_SIGNATURE] = next(iter(signatures.values()))
    facts = {"class_names": [], "downsample_factors": list(factors)}
    return Servable(signatures, graph.variables, facts)


def _thin_slices(graph: StreamedGraph | WholeGraph, factor: int) -> Signature:
    unit = "the scan's own"
    thin_slices = f"(slices - 1) * {factor} + 1"
    return Signature(
        lambda thick: {"thin": graph.super_resolve(thick, factor)},
        {
            INPUT: Field(
                "float32",
                (1, "rows", "columns", "slices"),
                unit,
                "A whole scan of thick slices, canonical, unscaled.",
            )
        },
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
