"""How networks for super-resolution take a volume: by the engine that each names."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
import numpy as np

from deepresolve.inference.engines import engine_of
from deepresolve.inference.window_size import WindowRule, rule_of
from deepresolve.inference.windowed import DEFAULT_MEMORY_GIB
from deepresolve.networks import find_model
from deepresolve.tasks.super_resolution.options import VIEWS
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

# An interpolated volume, (rows, columns, slices) scaled to 0..1, and whether to show
# progress, to a sharper one of the same shape.
Enhance = Callable[[np.ndarray, bool], np.ndarray]


def window_rule(config: SuperResolutionConfig) -> WindowRule:
    """How the windows of a network may be cut.

    They begin where the voxels begin that the network folds together.
    """
    return rule_of(config, 1, multiple=config.fold)


def enhancer(
    model: keras.Model,
    config: SuperResolutionConfig,
    dtype: str,
    window_shape: Sequence[int] | None = None,
    memory_gib: float = DEFAULT_MEMORY_GIB,
) -> Enhance:
    """A network as a function of volumes.

    Args:
      model: the network, built to compute in `dtype`.
      config: the run that trained it.
      dtype: "float32" or "bfloat16".
      window_shape: (rows, columns, slices) of a window, for networks that see windows;
        None: what fits into `memory_gib`.
      memory_gib: for what such a network holds of a window, in GiB.

    Raises:
      ValueError: a network that cannot be streamed, though it says so; a window for
        one that sees none; or a network of views, which takes no interpolated volume.
    """
    if find_model(config).engine == VIEWS:
        raise ValueError(
            f"{config.model} takes thick slices as they are, with their geometry, and "
            "not an interpolated volume: `TrainedRun.predict` takes it over a scan."
        )
    rule = window_rule(config)
    network = engine_of(model, config, rule, dtype, window_shape, memory_gib)

    def enhance(volume: np.ndarray, progress: bool = False) -> np.ndarray:
        return network(volume, "super-resolution" if progress else "")[..., 0]

    return enhance
