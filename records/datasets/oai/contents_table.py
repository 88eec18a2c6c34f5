"""The contents tables of the Osteoarthritis Initiative (OAI): which series lies where.

Each visit's images come with a `contents.csv` of the columns Folder, ParticipantID,
StudyDate, Barcode, StudyDescription, SeriesDescription; Folder is
`0.C.2/9001104/20041118/00593607`: release and visit, participant, date, barcode.
"""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence

from deepresolve.imaging.folders import tree
from deepresolve.system import tables

_COLUMNS = ("folder", "participantid", "seriesdescription")
_TABLE, _ANY = re.compile(r"contents.*\.csv", re.IGNORECASE), re.compile(".*")
# 0.C.2 and 0.E.1 are the baseline, 1.C.2 the first follow-up, ...: OAI's release codes.
_RELEASE = re.compile(r"(\d{1,2})\.[A-Za-z]\.\d")
# Follow-ups by month; OAI's visit codes.
VISIT_OF_MONTH = {
    **{0: "V00", 12: "V01", 18: "V02", 24: "V03", 30: "V04", 36: "V05"},
    **{48: "V06", 72: "V08", 96: "V10"},
}
# Not within a word or a number: "100mm" and "scan12max" tell no visit.
MONTH = re.compile(r"(?<!\d)(\d{2})m(?![a-z\d])", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Series:
    """A series of the table.

    Attributes:
      person: the participant's number.
      visit: OAI's visit code, "V00" at baseline.
      date: of the study, "20041118"; "" where the table does not say.
      description: the series description, e.g. "SAG_3D_DESS_LEFT".
      folder: the series' folder as the table has it, with /.
      base: the folder of the table.
    """

    person: str
    visit: str
    date: str
    description: str
    folder: str
    base: pathlib.Path

    @property
    def side(self) -> str:
        """By the description "left" or "right"; "unknown" where it has neither."""
        words = re.split(r"[^A-Z]+", self.description.upper())
        sides = [side for side in ("left", "right") if side.upper() in words]
        return sides[0] if len(sides) == 1 else "unknown"


def find_tables(source: pathlib.Path) -> list[pathlib.Path]:
    """The contents tables in a folder and in the folders directly in it.

    Raises:
      FileNotFoundError: there is no such folder.
      ValueError: it holds no table.
    """
    if not source.is_dir():
        raise FileNotFoundError(f"{source}: there is no such folder.")
    found = tree.matching(source, [_TABLE]) + tree.matching(source, [_ANY, _TABLE])
    if not found:
        raise ValueError(
            f"{source}: no contents.csv in it or in the folders directly in it. Give "
            "the table that came with the images as --contents."
        )
    return found


def read_table(path: pathlib.Path) -> Iterator[Series]:
    """The series of a table; columns may be written in any case.

    Raises:
      OSError: it cannot be read.
      ValueError: it is no table, lacks a column, or a row lacks a value; the message
        names the line.
    """
    for row in tables.read_table(path, _COLUMNS):
        # What nobody has described is no series of a kind that is asked for.
        if row.values["seriesdescription"]:
            yield _series(row.values, path, row.where)


def _series(row: Mapping[str, str], path: pathlib.Path, where: str) -> Series:
    if empty := [name for name in _COLUMNS if not row.get(name)]:
        raise ValueError(f"{where}: no value in the column {', '.join(empty)}.")
    folder = row["folder"].replace("\\", "/").strip("/")
    parts = folder.split("/")
    if ".." in parts:
        raise ValueError(f"{where}: the folder {folder!r} leads out of the tree.")
    return Series(
        person=row["participantid"],
        visit=_visit(parts, path, where),
        date=re.sub(r"\D", "", row.get("studydate", "")),
        description=row["seriesdescription"],
        folder=folder,
        base=path.parent,
    )


def _visit(parts: Sequence[str], path: pathlib.Path, where: str) -> str:
    """The visit by the release code in the folder, else by the month in a name."""
    for part in parts:
        if release := _RELEASE.fullmatch(part):
            return f"V{int(release[1]):02d}"
    for part in (*parts, path.stem, path.parent.name):
        for month in MONTH.findall(part):
            if int(month) in VISIT_OF_MONTH:
                return VISIT_OF_MONTH[int(month)]
    raise ValueError(
        f"{where}: no visit in {'/'.join(parts)!r}: expected a release code such as "
        "0.C.2, or a month such as 12m in it or in the name of the table or its folder."
    )
