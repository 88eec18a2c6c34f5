"""Pieces of scans that are in records already: a record a piece."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from typing import ClassVar

from deepresolve.system import entry
from records import settings
from records.settings import setting
from records.subject import Brings, Subject

# Which pieces there are (`deepresolve.quantification.crops.KINDS`).
REGIONS = ("cartilage", "menisci")


def _regions(text: str) -> str:
    if text not in REGIONS:
        raise argparse.ArgumentTypeError(
            f"expected {' or '.join(REGIONS)}; got {text!r}"
        )
    return text


@dataclasses.dataclass(frozen=True)
class Rois:
    """Pieces along the cartilage of knees, or one around each meniscus.

    The knees are records with label maps, which say where pieces lie
    (`deepresolve.quantification.crops`). Whether there is a lesion, the scalar `lesion`
    of each piece, 0 or 1, says their array `lesion` (1 in cartilage lesions, 2 in
    meniscal tears, as of `phantom`), or for menisci `meniscus_grades`. `roi` is the
    kind of piece, `knee` the subject that it is cut from, `place` and `region` are
    named as in the tables of thickness, and x_mm, y_mm, z_mm are its site in the world.

    Pieces keep the person and the split of their knee. Every knee is measured, in some
    10 s each, by two processes, before the first record is written, and all pieces are
    held in memory until then: 3 MB a knee.

    Attributes:
      source: folder of the shards of the knees.
      regions: "cartilage" or "menisci".
      meniscus_grades: for menisci, two scalars of the knees, of the medial and of the
        lateral one, that say 1 or more where it is torn and 0 where not; none: their
        array `lesion` says it. A meniscus without a grade is left out.
      most_without: pieces without a lesion of a training knee, at most, drawn by the
        seed; None: all. Validation and test have all.
    """

    brings: ClassVar[Brings] = Brings(
        scalars={
            **{"lesion": int, "roi": str, "knee": str, "place": str, "region": str},
            **{"x_mm": float, "y_mm": float, "z_mm": float},
        }
    )

    source: str = setting("DIR", "shards of the knees, with label maps")
    regions: str = setting(
        "cartilage|menisci", "where pieces are cut out", parse=_regions
    )
    meniscus_grades: tuple[str, ...] = setting(
        "MEDIAL,LATERAL",
        "with --regions=menisci: scalars of the knees that say whether each is torn "
        "(default: their array lesion says it)",
        parse=settings.texts,
        default=(),
    )

    most_without: int | None = setting(
        "N",
        "of a training knee at most so many pieces without a lesion, or the few with "
        "one are lost among them (default: all)",
        parse=entry.number,
        default=None,
    )

    def __post_init__(self) -> None:
        if self.regions not in REGIONS:
            raise ValueError(
                f"regions is {' or '.join(REGIONS)}; got {self.regions!r}."
            )
        if self.meniscus_grades and (
            self.regions != "menisci" or len(self.meniscus_grades) != 2
        ):
            raise ValueError(
                "meniscus_grades are two scalars, of the medial and of the lateral "
                f"meniscus, with regions=menisci; got {self.meniscus_grades} with "
                f"regions={self.regions}."
            )

    @property
    def label_names(self) -> dict[int, str]:
        """Pieces have no label maps."""
        return {}

    def describe(self) -> list[str]:
        """How many knees there are."""
        from records.datasets.rois import pieces

        return pieces.describe(self)

    def subjects(self, seed: int) -> Iterator[Subject]:
        """The pieces, knee by knee; `seed` draws those of `most_without`.

        Raises:
          FileNotFoundError: there are no records.
          ValueError: they have no label maps, or nothing that tells of lesions; or a
            knee cannot be measured.
        """
        from records.datasets.rois import pieces

        return pieces.find(self, seed)
