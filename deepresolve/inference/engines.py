"""How a network takes a whole volume: by the engine that its declaration names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import keras
import numpy as np

from deepresolve.config import Config
from deepresolve.inference.streaming import StreamedModel
from deepresolve.inference.window_size import WindowRule
from deepresolve.inference.windowed import (
    DEFAULT_MEMORY_GIB,
    WindowedModel,
    graph_of,
)
from deepresolve.networks import find_model


class WholeVolumes(Protocol):
    """A trained network as a function of volumes."""

    def __call__(self, volume: np.ndarray, progress: str = "") -> np.ndarray:
        """The network's output for one volume.

        Args:
          volume: (rows, columns, slices) float32, scaled to 0..1.
          progress: show a progress bar of this name; "" shows none.

        Returns:
          (rows, columns, slices, C) float32.
        """


def engine_of(
    model: keras.Model,
    config: Config,
    rule: WindowRule,
    dtype: str,
    window_shape: Sequence[int] | None = None,
    memory_gib: float = DEFAULT_MEMORY_GIB,
) -> WholeVolumes:
    """A network as a function of volumes.

    Args:
      model: the network, built to compute in `dtype`.
      config: the run that trained it.
      rule: how its windows may be cut, if it sees windows.
      dtype: "float32" or "bfloat16".
      window_shape: (rows, columns, slices) of a window, for networks that see windows;
        None: what fits into `memory_gib`.
      memory_gib: for what such a network holds of a window, in GiB.

    Raises:
      ValueError: a network that cannot be streamed, though it says so; a window for one
        that sees none; or a window or memory out of range.
    """
    engine = find_model(config).engine
    if window_shape is not None and engine != "windows":
        raise ValueError(
            f"A window is for networks that see windows; {config.model} does not (its "
            f"engine is {engine!r}). Leave it out."
        )
    if engine == "stream":
        return StreamedModel(model, dtype)
    if engine == "windows":
        return WindowedModel(model, rule, memory_gib, window_shape)
    return _Whole(model)


class _Whole:
    """One pass, which no progress can be told of."""

    def __init__(self, model: keras.Model):
        self._network = graph_of(model)

    def __call__(self, volume: np.ndarray, progress: str = "") -> np.ndarray:
        return self._network(volume[np.newaxis, ..., np.newaxis])[0].numpy()
