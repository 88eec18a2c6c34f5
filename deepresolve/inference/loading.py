"""Writers with the network that a run left in its workdir.

Their settings are plain values: a `functools.partial` of one of these functions travels
to another machine and loads the network there.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from deepresolve.inference.segmentation import Segmenter
from deepresolve.inference.super_resolution import SuperResolver
from deepresolve.inference.writers import LabelMapWriter, ThinSliceWriter


def thin_slice_writer(
    table: pathlib.Path,
    *,
    workdir: str,
    checkpoint: str,
    dtype: str,
    downsample_factor: int | None,
    keep_dtype: bool,
) -> ThinSliceWriter:
    """For a run of super-resolution, which has no use for the table.

    See `SuperResolver.from_workdir` and `ThinSliceWriter`.
    """
    del table
    resolver = SuperResolver.from_workdir(workdir, checkpoint, dtype)
    factor = resolver.choose_factor(downsample_factor)
    return ThinSliceWriter(resolver, factor, keep_dtype)


def label_map_writer(
    table: pathlib.Path,
    *,
    workdir: str,
    checkpoint: str,
    dtype: str,
    window: Sequence[int] | None,
    flips: bool,
    memory_gib: float,
    probabilities: bool,
    largest_only: bool,
) -> LabelMapWriter:
    """For a run of segmentation; see `Segmenter.from_workdir` and `LabelMapWriter`."""
    segmenter = Segmenter.from_workdir(
        workdir, checkpoint, window, flips, memory_gib, dtype
    )
    return LabelMapWriter(segmenter, table, probabilities, largest_only)
