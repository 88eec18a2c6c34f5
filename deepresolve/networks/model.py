"""What a network says of itself, so that nobody else has to know its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import keras

from deepresolve.config.fields import Shape

# A run's config, with the fields that the network asks for.
Settings = Any


def _one(config: Settings) -> int:
    return 1


@dataclasses.dataclass(frozen=True)
class Model:
    """An architecture: an entry of a task's `MODELS`.

    Attributes:
      build: the network with fresh weights, of a config and a Keras dtype policy.
      title: its name in tables and figures.
      engine: how it is taken over whole volumes. "stream": plane by plane, exactly, if
        it is made of what `inference.stream_parser` knows; "windows": in windows that
        overlap, blended; "whole": in one pass; "views": the images across the slices,
        either way (super-resolution alone).
      slicewise: whether it sees one slice at a time.
      num_resolutions: at how many resolutions it works, the volume's own included.
      slice_multiple: what it fills the slices of its input up to a multiple of.
      live_channels: float32 numbers that it holds for each voxel when it holds most.
      reach: how many (rows, columns, slices) around a voxel its answer there depends
        on: windows that know it give exactly what one pass gives. None: not known.
    """

    build: Callable[[Settings, str], keras.Model]
    title: str
    engine: Literal["stream", "windows", "whole", "views"]
    slicewise: bool = False
    num_resolutions: Callable[[Settings], int] = _one
    slice_multiple: Callable[[Settings], int] = _one
    live_channels: Callable[[Settings], int] = _one
    reach: Callable[[Settings], Shape] | None = None
