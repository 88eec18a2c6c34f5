"""Writers with the network that a run left in its workdir.

Their settings are plain values: a `functools.partial` of one of these functions travels
to another machine and loads the network there.
"""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from deepresolve.prediction.writers import LabelMapWriter, ThinSliceWriter
from deepresolve.system import hardware
from deepresolve.tasks.segmentation.segmenter import Segmenter
from deepresolve.tasks.super_resolution.super_resolver import SuperResolver


def choose_dtype(task: str, *, alone: bool) -> tuple[str, str]:
    """What to compute in where nobody said, fast and safe; and why.

    Args:
      task: of the run.
      alone: whether this process does the work; other machines may be fast at other
        things.
    """
    if task == "segmentation":
        return "float32", "bfloat16 would move a voxel in 1000 of a label map"
    if not alone:
        return "float32", "workers may differ in what they are fast at"
    if hardware.has_fast_bfloat16():
        return "bfloat16", "fast on this processor; --dtype=float32 is exact"
    return "float32", "this processor has no fast bfloat16"


def thin_slice_writer(
    table: pathlib.Path,
    *,
    workdir: str,
    checkpoint: str,
    dtype: str,
    downsample_factor: int | None,
    keep_dtype: bool,
    spread: str,
) -> ThinSliceWriter:
    """For a run of super-resolution, which has no use for the table.

    See `SuperResolver.from_workdir` and `ThinSliceWriter`.
    """
    del table
    _prepare_processors(dtype)
    resolver = SuperResolver.from_workdir(workdir, checkpoint, dtype)
    factor = resolver.choose_factor(downsample_factor)
    return ThinSliceWriter(resolver, factor, keep_dtype, spread)


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
    spread: str,
) -> LabelMapWriter:
    """For a run of segmentation; see `Segmenter.from_workdir` and `LabelMapWriter`."""
    _prepare_processors(dtype)
    segmenter = Segmenter.from_workdir(
        workdir, checkpoint, window, flips, memory_gib, dtype
    )
    return LabelMapWriter(segmenter, table, probabilities, largest_only, spread)


def _prepare_processors(dtype: str) -> None:
    hardware.share_gpus()
    if dtype == "float32":
        hardware.compute_float32_exactly()
