"""Scans in a folder, in any format that `deepresolve.imaging.formats` reads."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from records.settings import echo, label_names, setting
from records.subject import Brings, Subject

if TYPE_CHECKING:
    from records.datasets.folder.grades import Grades


@dataclasses.dataclass(frozen=True)
class Folder:
    """Every scan below a folder, and label maps of the same names below another.

    A scan's id is its path below `source` without the ending, with _ for /; where
    scans or label maps are named otherwise, patterns say which part of a name it is
    (see `records.datasets.folder.patterns`). The scalar `echo_time_ms` comes from
    DICOM's EchoTime or from the JSON file beside a NIfTI scan; the side, where
    --persons does not tell it, from DICOM's Laterality.

    Attributes:
      source: folder of scans, or one scan.
      labels: folder of label maps whose ids are those of the scans; every scan needs
        one. None for scans without labels, or for label maps in `source`.
      label_names: what each label value means, by value; required with label maps.
      image_pattern: which files below `source` are scans: "imagesTr/{id}_0000.nii.gz".
      label_pattern: which files below `labels`, else below `source`, are label maps. A
        file that both patterns match belongs to the one with more text of its own.
      ignore_label_affines: whether to lay label maps on their scans voxel by voxel,
        for sets whose label maps have wrong affines.
      slice_axis: overrides the slice axis that a scan's header implies: 0, 1 or 2.
      series: which DICOM series to read, where a folder holds several; "all" for each
        as a scan of its own.
      echo: which DICOM echo to read, where a series holds several; "all" for each
        as a scan of its own.
      volume: which volume of a DICOM series to read, where it holds several.
      persons: CSV file with the columns subject and person; side, split, series, echo
        and volume may follow.
      person_pattern: regular expression with a group named `person`, searched for in
        the id. Without either, scans that say that they are of one person are, and
        others are persons of their own; see `records.datasets.folder.kin`.
      grades: CSV file with the column subject or person and one for each grade, whose
        values are whole numbers; see `records.datasets.folder.grades`. Each becomes
        the scalar of its column's name.
    """

    source: str = setting(
        "DIR", "scans (NIfTI, DICOM folders, zips) at any depth, or one"
    )
    labels: str | None = setting(
        "DIR", "label maps named as the scans; every scan needs one", default=None
    )
    label_names: dict[int, str] = setting(
        "V=NAME,...",
        "what the values in the label maps mean, such as '1=femoral cartilage,"
        "2=patellar cartilage'; needed with --labels",
        parse=label_names,
        default_factory=dict,
    )
    image_pattern: str | None = setting(
        "PATTERN",
        "paths of the scans below --source, {id} for the part that is the id, * "
        "for any text: 'imagesTr/{id}_0000.nii.gz'",
        default=None,
    )
    label_pattern: str | None = setting(
        "PATTERN",
        "paths of the label maps in the same form, below --labels, else --source: "
        "'{id}_seg.nii.gz'",
        default=None,
    )
    ignore_label_affines: bool = setting(
        None,
        "lay label maps on their scans voxel by voxel, for sets whose label maps "
        "have wrong affines; look at the contact sheet",
        default=False,
    )
    slice_axis: int | None = setting(
        "AXIS",
        "axis of the slices, 0, 1 or 2, where a header is wrong",
        parse=int,
        default=None,
    )
    series: str | None = setting(
        "SERIES",
        "DICOM series to read where a scan holds several: its number or UID, or "
        "all, each as a scan of the same person",
        default=None,
    )
    echo: int | str | None = setting(
        "N|all",
        "DICOM echo to read where a scan holds several, from 1, or all",
        parse=echo,
        default=None,
    )
    volume: str | None = setting(
        "VOLUME",
        "volume of a DICOM series that holds several to read: its number, or what "
        "tells it from the others",
        default=None,
    )
    persons: str | None = setting(
        "CSV",
        "table with the columns subject, person[, side][, split] and, to choose in "
        "single scans, [, series][, echo][, volume]",
        default=None,
    )
    person_pattern: str | None = setting(
        "REGEX",
        "finds the person in a scan's name by its group (?P<person>...); without "
        "it or --persons scans are of one person where DICOM or BIDS says so",
        default=None,
    )

    grades: str | None = setting(
        "CSV",
        "table with the column subject or person, and one for each grade: whole "
        "numbers, empty where unknown",
        default=None,
    )

    def __post_init__(self) -> None:
        if self.is_labelled and not self.label_names:
            raise ValueError(
                "--labels needs --label_names, for label maps do not say what their "
                "values mean: --label_names='1=femoral cartilage,2=patellar cartilage'."
            )
        if self.label_names and not self.is_labelled:
            raise ValueError(
                "--label_names tells what the values of label maps mean: give their "
                "folder as --labels, or leave --label_names out."
            )
        if self.ignore_label_affines and not self.is_labelled:
            raise ValueError(
                "--ignore_label_affines is about label maps: give their folder as "
                "--labels."
            )

    @property
    def brings(self) -> Brings:
        """The echo time of headers, and the grades that the table has.

        Raises:
          OSError, ValueError: the table of --grades cannot be read.
        """
        names = self.graded.names if self.graded else ()
        return Brings(scalars={"echo_time_ms": float, **dict.fromkeys(names, int)})

    @functools.cached_property
    def graded(self) -> Grades | None:
        """The table of --grades, read once.

        Raises:
          OSError: it cannot be read.
          ValueError: it is no such table.
        """
        from records.datasets.folder import grades

        return grades.read_table(self.grades) if self.grades else None

    @property
    def is_labelled(self) -> bool:
        """Whether there are label maps."""
        return bool(self.labels or self.label_pattern)

    def subjects(self, seed: int) -> Iterator[Subject]:
        """The scans in the order of their ids; `seed` plays no part.

        Raises:
          ValueError: there are no scans, two have one id, a label map is missing, a
            scan's person cannot be told, or the table of grades is none of them.
        """
        from records.datasets.folder import scans

        del seed
        return scans.find(self)

    def describe(self) -> list[str]:
        """How many files are scans and label maps, and what else lies there."""
        from records.datasets.folder import scans

        return scans.describe(self)
