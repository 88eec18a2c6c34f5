"""What is measured: an estimate beside its reference, with what metrics need of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from deepresolve.metrics.table import Kind


@dataclasses.dataclass(frozen=True, eq=False)
class Comparison:
    """An estimate beside its reference, of one subject.

    Attributes:
      kind: what they are; metrics of this kind are taken.
      reference: what should have been found: an array, or a number where the kind is
        one of a cohort.
      estimate: what was found, of the same shape.
      source: what found it, such as the part that a network plays.
      image_set: what it was found in, such as "ground_truth", the scan itself.
      label_class: the tissue; None for all of the image.
      spacing_mm: distance between voxel centres along each axis; None without voxels.
      voxel_mm3: volume of a voxel; None without voxels.
      data_range: intensity difference from black to white; None but for images.
      unit: of values, such as "mm³"; "" for all else.
    """

    kind: Kind
    reference: Any
    estimate: Any
    source: str
    image_set: str
    label_class: str | None = None
    spacing_mm: Sequence[float] | None = None
    voxel_mm3: float | None = None
    data_range: float | None = None
    unit: str = ""
