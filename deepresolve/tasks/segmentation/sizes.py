"""How much of each tissue a label map holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from deepresolve.imaging.labels import count_values
from deepresolve.imaging.volume import Volume
from deepresolve.metrics import rounding
from deepresolve.tasks.prediction import Row, TableKind

# Name of the table, and so of its file.
TABLE = "volumes"
KIND = TableKind(
    "tissue volumes", {"class": str, "label": int, "voxels": int, "volume_mm3": float}
)


class TissueSize(NamedTuple):
    """One class of one scan.

    Attributes:
      class_name: name of the class.
      label: its value in the label map.
      voxels: how many voxels have it.
      tissue_mm3: how large they are together, in cubic millimetres.
    """

    class_name: str
    label: int
    voxels: int
    tissue_mm3: float


def measure(label_map: Volume, class_names: Sequence[str]) -> list[TissueSize]:
    """The size of every class, those that the scan does not hold included.

    A voxel is as large as the affine says: where slices have gaps between them, the
    gaps count as tissue of the slice beside them.

    Args:
      label_map: uint8; 0 is background, n the n-th class, counted from 1.
      class_names: the classes.
    """
    counts = count_values(label_map.array)
    voxel_mm3 = label_map.voxel_mm3
    return [
        TissueSize(name, label, int(counts[label]), counts[label] * voxel_mm3)
        for label, name in enumerate(class_names, start=1)
    ]


def rows(sizes: Iterable[TissueSize]) -> tuple[Row, ...]:
    """Of the table, in its order.

    Sizes are rounded as they are known; the voxels are exact.
    """
    return tuple(
        (size.class_name, size.label, size.voxels, rounding.mm3(size.tissue_mm3))
        for size in sizes
    )


def summary(sizes: Iterable[TissueSize]) -> str:
    """The same in a line."""
    return ", ".join(f"{size.class_name} {size.tissue_mm3:.0f} mm³" for size in sizes)
