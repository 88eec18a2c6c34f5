"""Voxels and volumes of the labels of many scans, as a table."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepresolve.imaging.labels import count_values
from records.inspection.overview import table
from records.stored import StoredSubject

_COLUMNS = (
    "label",
    "name",
    "scans",
    "voxels",
    "smallest_mm3",
    "mean_mm3",
    "largest_mm3",
)


class LabelVolumes:
    """Adds up scans one after another, so that none has to stay in memory."""

    def __init__(self, label_names: Mapping[int, str]):
        self._label_names = dict(label_names)
        self._voxels: list[np.ndarray] = []  # of each scan, (256,)
        self._voxel_mm3: list[float] = []  # of each scan

    def add(self, stored: StoredSubject) -> None:
        """Counts the labels of a scan; one without labels changes nothing."""
        if stored.label is not None:
            self._voxels.append(count_values(stored.label.array))
            self._voxel_mm3.append(stored.label.voxel_mm3)

    def describe(self) -> str:
        """A row for every label that has a name or occurs; "" without label maps.

        The volumes are those of one scan: the smallest, mean and largest over the
        scans in which the label occurs, whose number is told.
        """
        if not self._voxels:
            return ""
        voxels = np.stack(self._voxels)
        found = np.flatnonzero(voxels.any(axis=0)).tolist()
        values = sorted({*self._label_names, *found} - {0})
        return table(_COLUMNS, [self._row(n, voxels[:, n]) for n in values])

    def _row(self, value: int, voxels: np.ndarray) -> tuple[str, ...]:
        """Of one label, from its voxels in each scan."""
        volumes_mm3 = (voxels * self._voxel_mm3)[voxels > 0]
        spread = ["-", "-", "-"]
        if volumes_mm3.size:
            found = (volumes_mm3.min(), volumes_mm3.mean(), volumes_mm3.max())
            spread = [f"{volume:.1f}" for volume in found]
        return (
            str(value),
            self._label_names.get(value, "(no name)"),
            f"{volumes_mm3.size} of {voxels.size}",
            str(voxels.sum()),
            *spread,
        )
