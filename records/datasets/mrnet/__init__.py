"""MRNet: knee exams of three series each, with three labels an exam.

Bien et al., PLoS Medicine 2018;15(11):e1002699. The arrays were taken out of DICOM and
scaled to 256 x 256 pixels of 8 bits: what a pixel measures is not known any more.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar

from records.settings import lengths, setting
from records.subject import Brings, Subject


@dataclasses.dataclass(frozen=True)
class Mrnet:
    """A scan for each series; the scans of an exam are one person's.

    The scalars `abnormal`, `acl` and `meniscus` are the exam's labels, 0 or 1, and
    `series` is the plane that the series is filed under. The exams of `valid` are the
    test set, for nothing may be chosen by them that they then measure; those of `train`
    are dealt to train and validation.

    Nothing says whose exam it is: 1,130 exams of `train` are those of 1,088 patients
    (stanfordmlgroup.github.io/competitions/mrnet), so that few persons may be in train
    and in validation. No patient of `valid` is in `train`.

    Attributes:
      source: folder with train, valid and the tables of labels.
      spacing_mm: between rows, columns and slices, for the files do not say: a nominal
        field of view of 160 mm, slices every 4 mm. Directions are those of a usual
        display (`records.datasets.mrnet.scans`), and the space is "unknown".
    """

    brings: ClassVar[Brings] = Brings(
        scalars={"abnormal": int, "acl": int, "meniscus": int, "series": str}
    )

    source: str = setting("DIR", "train, valid and their tables, as published")
    spacing_mm: tuple[float, float, float] = setting(
        "I,J,K",
        "nominal distances of rows, columns and slices, which nobody published "
        "(default: 0.625,0.625,4)",
        parse=lengths,
        default=(0.625, 0.625, 4.0),
    )

    @property
    def label_names(self) -> dict[int, str]:
        """There are no label maps."""
        return {}

    def describe(self) -> list[str]:
        """How many files are series and tables, and what else lies there."""
        from records.datasets.mrnet import scans

        return scans.describe(self)

    def subjects(self, seed: int) -> Iterator[Subject]:
        """The series in the order of exams; `seed` plays no part.

        Raises:
          FileNotFoundError: a folder or table is not there.
          ValueError: there is no series, a name is no exam's number, a table cannot be
            understood, or an exam has no label.
        """
        from records.datasets.mrnet import scans

        del seed
        return scans.find(self)
