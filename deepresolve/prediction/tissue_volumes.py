"""How much of each tissue a label map holds."""

from __future__ import annotations

import csv
import dataclasses
import io
import pathlib
from collections.abc import Iterable, Sequence

from deepresolve.imaging.labels import count_values
from deepresolve.imaging.volume import Volume
from deepresolve.metrics import rounding
from deepresolve.system import locking, storage, tables

_COLUMNS = ("scan", "class", "label", "voxels", "volume_mm3")


@dataclasses.dataclass(frozen=True)
class TissueVolume:
    """One class of one scan.

    Attributes:
      scan: name of the label map's file.
      class_name: name of the class.
      label: its value in the label map.
      voxels: how many voxels have it.
      volume_mm3: their volume in cubic millimetres.
    """

    scan: str
    class_name: str
    label: int
    voxels: int
    volume_mm3: float


def measure(
    label_map: Volume, class_names: Sequence[str], scan: str
) -> list[TissueVolume]:
    """The volume of every class, those that the scan does not hold included.

    A voxel is as large as the affine says: where slices have gaps between them, the
    gaps count as tissue of the slice beside them.

    Args:
      label_map: uint8; 0 is background, n the n-th class, counted from 1.
      class_names: the classes.
      scan: name of the label map's file.
    """
    counts = count_values(label_map.array)
    voxel_mm3 = label_map.voxel_mm3
    return [
        TissueVolume(scan, name, label, int(counts[label]), counts[label] * voxel_mm3)
        for label, name in enumerate(class_names, start=1)
    ]


def read_csv(path: pathlib.Path) -> list[TissueVolume]:
    """The table that `to_csv` wrote, also if a spreadsheet saved it since.

    Empty where there is no such file.

    Raises:
      ValueError: the file is another table.
    """
    if not path.exists():
        return []
    try:
        return [_of_row(row) for row in tables.read_table(path, _COLUMNS, ())]
    except ValueError as error:
        raise ValueError(
            f"{path} is no table of tissue volumes ({error}). Move it away, or choose "
            "another --output."
        ) from error


def _of_row(row: tables.Row) -> TissueVolume:
    scan, name, *numbers = (row.values[column] for column in _COLUMNS)
    try:
        label, voxels = map(int, numbers[:2])
        return TissueVolume(scan, name, label, voxels, float(numbers[2]))
    except ValueError as error:
        raise ValueError(f"{row.where}: {error}.") from error


def add_to_csv(path: pathlib.Path, volumes: Sequence[TissueVolume]) -> None:
    """Adds rows to a table, in the place of those of scans of the same name.

    Commands that share a folder take turns.

    Raises:
      ValueError: the file is another table.
      OSError: it cannot be written.
    """
    scans = {tables.normal(row.scan) for row in volumes}
    with locking.turn(str(path)):
        others = [row for row in read_csv(path) if tables.normal(row.scan) not in scans]
        storage.write(str(path), to_csv([*others, *volumes]).encode())


def to_csv(volumes: Iterable[TissueVolume]) -> str:
    """One line a scan and class: scan, class, label, voxels, volume_mm3.

    Volumes are rounded as they are known; the voxels are exact.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for v in volumes:
        volume_mm3 = rounding.mm3(v.volume_mm3)
        row = (v.scan, v.class_name, v.label, v.voxels, repr(volume_mm3))
        writer.writerow(row)
    return table.getvalue()
