"""Which file of iMorphics contours belongs to which OAI series, by their names.

A name, with its folders, holds the participant's seven digits and either the visit
(V00, or 12m in the name of a folder) or the date of the study (20041118), and may hold
LEFT or RIGHT: 9001104_V00.mat, V01/9001104_right.mat, 9001104_20041118_LEFT.mat.
"""

from __future__ import annotations

import dataclasses
import logging
import pathlib
import re
from collections.abc import Sequence

from deepresolve.imaging.folders import tree
from records.datasets.oai.contents_table import MONTH, VISIT_OF_MONTH, Series

_logger = logging.getLogger(__name__)

_PERSON = re.compile(r"(?<!\d)(9\d{6})(?!\d)")
_VISIT = re.compile(r"(?<![a-z\d])v(\d{2})(?!\d)", re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)(20\d{6})(?!\d)")
_SIDE = re.compile(r"(?<![a-z])(left|right)(?![a-z])", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class _Label:
    path: pathlib.Path
    person: str
    visit: str | None
    date: str | None
    side: str | None

    def fits(self, series: Series) -> bool:
        return (
            self.person == series.person
            and self.visit in (None, series.visit)
            and self.date in (None, series.date)
            and self.side in (None, series.side)
        )


def match(root: pathlib.Path, series: Sequence[Series]) -> dict[Series, pathlib.Path]:
    """The file of contours of each series that has one.

    Files that belong to none are told of in a warning.

    Args:
      root: folder of MATLAB files, searched to any depth.
      series: the scans.

    Raises:
      FileNotFoundError: there is no such folder.
      ValueError: no file fits a scan, one's name does not say whose it is, one fits
        two scans, or two fit one.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: there is no such folder of .mat files.")
    files = tree.named(root, ".mat")
    labels = [_parse(path, path.relative_to(root).as_posix()) for path in files]
    of_person: dict[str, list[Series]] = {}
    for entry in series:
        of_person.setdefault(entry.person, []).append(entry)
    found: dict[Series, pathlib.Path] = {}
    unused = []
    for label in labels:
        fitting = [s for s in of_person.get(label.person, ()) if label.fits(s)]
        if not fitting:
            unused.append(label.path)
            continue
        if len(fitting) > 1:
            raise ValueError(
                f"{label.path}: belongs to {' or '.join(s.folder for s in fitting)}. "
                "Say which by LEFT or RIGHT in its name, or leave the other scan out "
                "of the table (--contents)."
            )
        if fitting[0] in found:
            raise ValueError(
                f"{found[fitting[0]]} and {label.path} both belong to "
                f"{fitting[0].folder}. Leave one of them."
            )
        found[fitting[0]] = label.path
    if not found:
        raise ValueError(
            f"{root}: none of {len(files)} .mat files belongs to one of {len(series)} "
            "scans. They are matched by participant and visit: 9001104_V00.mat."
        )
    if unused:
        _logger.warning(
            "%s holds %d files of contours without a scan, the first %s: they are left "
            "out.",
            *(root, len(unused), unused[0].name),
        )
    return found


def _parse(path: pathlib.Path, name: str) -> _Label:
    """What a path below the folder of labels says."""
    person = _last(_PERSON, name)
    visit, date = _last(_VISIT, name), _last(_DATE, name)
    if visit is not None:
        visit = f"V{visit}"
    elif (month := _last(MONTH, name)) is not None:
        visit = VISIT_OF_MONTH.get(int(month))
    if person is None or (visit is None and date is None):
        raise ValueError(
            f"{path}: the name does not say whose knee it is. Expected the participant "
            "and the visit or date: 9001104_V00.mat or 9001104_20041118_LEFT.mat."
        )
    side = _last(_SIDE, name)
    return _Label(path, person, visit, date, side and side.lower())


def _last(pattern: re.Pattern, name: str) -> str | None:
    """The last match, for the name of the file comes after those of its folders."""
    found = pattern.findall(name)
    return found[-1] if found else None
