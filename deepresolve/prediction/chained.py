"""Two networks, one after the other: an image of a scan, and a label map of that image.

Thin slices are computed, and tissues found in them, in one command. The label map lies
on the grid of the thin slices, on that of the scan, or on both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from deepresolve.imaging.degradation import along_slices
from deepresolve.imaging.slice_profile import SliceProfile
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.prediction import (
    Image,
    Kind,
    Labels,
    Prediction,
    Predictor,
    TableKind,
)

Grid = Literal["thin", "thick", "both"]
THIN, THICK = "label_map", "label_map_thick"
_NAMES: dict[Grid, tuple[str, ...]] = {
    "thin": (THIN,),
    "thick": (THICK,),
    "both": (THIN, THICK),
}


class Chained:
    """Two networks as one `Predictor`.

    Args:
      restorer: gives an image of a scan, in its axes and with its pixels.
      segmenter: gives a label map of that image, and the probability of each class.
      grid: which label maps are given.

    Raises:
      ValueError: the networks give something else.
    """

    kind: Kind
    volume_names: Sequence[str]
    tables: Mapping[str, TableKind]

    def __init__(self, restorer: Predictor, segmenter: Predictor, grid: Grid = "thin"):
        if not isinstance(restorer.kind, Image):
            raise ValueError(
                "--segment is for networks that give images; this one segments scans "
                "itself, or gives tables. Leave --segment out."
            )
        if not isinstance(segmenter.kind, Labels):
            raise ValueError(
                "--segment_workdir must be a run that gives label maps; this one gives "
                "something else."
            )
        self.kind = restorer.kind
        self._restorer, self._segmenter = restorer, segmenter
        self._probabilities = segmenter.kind.probabilities
        self._names = _NAMES[grid]
        self.title = restorer.title
        self.volume_names = (*restorer.volume_names, *self._names)
        self.tables = {**restorer.tables, **segmenter.tables}
        self.training_factor = restorer.training_factor
        self.memory_advice = restorer.memory_advice
        self.announcement = restorer.announcement

    def predict(self, scan: Volume, *, progress: bool = False) -> Prediction:
        """The image and its label map.

        Args:
          scan: in any orientation and intensity unit.
          progress: show progress bars.

        Returns:
          What the first network gives, with "label_map" on the grid of its image,
          "label_map_thick" on that of the scan, or both; reports, tables and summary of
          both networks.

        Raises:
          ValueError: voxels that are not finite or all alike.
        """
        restored = self._restorer.predict(scan, progress=progress)
        found = self._segmenter.predict(restored.image, progress=progress)
        volumes = {THIN: found.label_map}
        if THICK in self._names:
            shares = [found.volumes[name] for name in self._probabilities]
            volumes[THICK] = on_slices_of(scan, found.label_map, shares)
        asked = {name: volumes[name] for name in self._names}
        return dataclasses.replace(
            restored,
            volumes={**restored.volumes, **asked},
            tables={**restored.tables, **found.tables},
            report={**found.report, **restored.report},
            summary=f"{restored.summary}; {found.summary}",
            knee=found.knee,
        )


def on_slices_of(scan: Volume, label_map: Volume, shares: Sequence[Volume]) -> Volume:
    """A label map on the slices of a scan, of one on other slices with its pixels.

    Each slice gets the class that most of it has, by probability. Where a label map was
    cleaned up, so that the probabilities say something else, it counts.

    Args:
      scan: whose slices are asked for.
      label_map: uint8, in the axes of the scan.
      shares: on its grid, the probability of each class from 1 on.
    """
    axis = scan.slice_axis
    to_thin = np.linalg.inv(label_map.affine) @ scan.affine
    step, first = to_thin[axis, axis], to_thin[axis, 3]
    centres = first + step * np.arange(scan.num_slices)
    profile = SliceProfile("rect", abs(step))
    to_slices = profile.matrix(centres, label_map.num_slices, 1.0)
    stacked = np.stack([share.array for share in shares])
    stacked = np.concatenate([1 - stacked.sum(axis=0, keepdims=True), stacked])
    likeliest = np.argmax(stacked, axis=0)
    changed = np.nonzero(likeliest != label_map.array)
    before, after = (likeliest[changed], *changed), (label_map.array[changed], *changed)
    stacked[before], stacked[after] = stacked[after], stacked[before]
    by_class = [along_slices(to_slices, of, axis) for of in stacked]
    return scan.with_array(np.argmax(by_class, axis=0).astype(np.uint8))
