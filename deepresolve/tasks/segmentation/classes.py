"""The classes of a segmentation among the labels of a study."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from deepresolve.imaging import labels
from deepresolve.imaging.volume import Volume


@dataclasses.dataclass(frozen=True, eq=False)
class Classes:
    """The tissues that are segmented, and what they are called in the label maps.

    Attributes:
      names: the n-th, counted from 1, is n in a network's label map.
      table: (256,) uint8: the class of each label value of the study, 0 for none.
    """

    names: tuple[str, ...]
    table: np.ndarray

    @classmethod
    def of(cls, classes: Sequence[str], label_names: Mapping[int, str]) -> Classes:
        """Finds the classes of a run among the labels of a study.

        Args:
          classes: as `imaging.labels.class_sources` takes them.
          label_names: name by label value.

        Raises:
          ValueError: a class uses a label that the study does not have.
        """
        names = tuple(labels.class_sources(classes))
        return cls(names, labels.lookup_table(classes, label_names))

    def reference(self, label: Volume) -> Volume:
        """A study's label map in the numbers of the classes, uint8."""
        return label.with_array(self.table[label.array])
