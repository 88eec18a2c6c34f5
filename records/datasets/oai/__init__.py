"""The Osteoarthritis Initiative (OAI): DICOM by its contents table, and contours."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import ClassVar

from records.datasets.oai import tissues
from records.settings import echo, setting, texts
from records.subject import Brings, Subject

DESS = ("SAG_3D_DESS_LEFT", "SAG_3D_DESS_RIGHT")


@dataclasses.dataclass(frozen=True)
class Oai:
    """Series of OAI's DICOM tree; the scans of a participant are one person's.

    A scan's id is participant, visit and side: 9001104_V00_left; the visit is the
    scalar `visit`, too. Series of the table whose folders are not there are left out,
    for a table lists a whole visit of the study; so are, with `labels`, knees that
    nobody drew. How many is told.

    Attributes:
      source: folder of the DICOM tree.
      contents: its contents table; None for every contents*.csv in `source` and in the
        folders directly in it. Folders in a table start where the table lies, or at
        `source`.
      series_descriptions: the series to take; each names its side, LEFT or RIGHT.
      labels: folder of iMorphics' MATLAB files; see
        `records.datasets.oai.contour_files` for their names. None for scans without
        labels.
      slice_order: which slice the first contours belong to, the patient's leftmost
        ("left_to_right") or rightmost.
      echo: which echo to read of series that hold several.
      volume: which volume to read of series that hold several.
    """

    brings: ClassVar[Brings] = Brings(scalars={"visit": str})

    source: str = setting("DIR", "OAI's DICOM tree")
    contents: str | None = setting(
        "CSV",
        "contents table with the columns Folder, ParticipantID, SeriesDescription "
        "(default: each contents*.csv in --source or in a folder directly in it)",
        default=None,
    )
    series_descriptions: tuple[str, ...] = setting(
        "TEXT,...",
        "series to take (default: SAG_3D_DESS_LEFT,SAG_3D_DESS_RIGHT)",
        parse=texts,
        default=DESS,
    )
    labels: str | None = setting(
        "DIR", "contours of iMorphics, named as 9001104_V00.mat", default=None
    )
    slice_order: str = setting(
        "ORDER",
        "the slice of the first contours: left_to_right begins with the patient's "
        "leftmost (default), right_to_left with the rightmost; look at the contact "
        "sheet",
        default="left_to_right",
    )
    echo: int | None = setting(
        "N", "DICOM echo to read, from 1", parse=echo, default=None
    )
    volume: str | None = setting(
        "VOLUME",
        "volume of a DICOM series that holds several to read: its number, or what "
        "tells it from the others",
        default=None,
    )

    def __post_init__(self) -> None:
        if self.slice_order not in tissues.SLICE_ORDERS:
            raise ValueError(
                f"slice_order must be one of {', '.join(tissues.SLICE_ORDERS)}; got "
                f"{self.slice_order!r}."
            )
        for name in ("echo", "volume"):
            if getattr(self, name) == "all":
                raise ValueError(
                    f"--{name}=all is for --dataset=folder: a knee of the OAI is one "
                    "scan. Choose one by its number."
                )

    @property
    def label_names(self) -> dict[int, str]:
        """The six soft tissues of iMorphics, with `labels`."""
        return dict(tissues.LABEL_NAMES) if self.labels else {}

    def describe(self) -> list[str]:
        """How many series of the tables are there, and how many contours."""
        from records.datasets.oai import knees

        return knees.describe(self)

    def subjects(self, seed: int) -> Iterator[Subject]:
        """The scans in the order of the table; `seed` plays no part.

        Raises:
          FileNotFoundError: a folder or table is not there.
          ValueError: there is no such series, a table or the name of a label file
            cannot be understood, or two scans or labels claim one place.
        """
        from records.datasets.oai import knees

        del seed
        return knees.find(self)
