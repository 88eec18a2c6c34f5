"""Which volumes of each scan are taken, where its files hold several."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

from deepresolve.imaging import formats
from deepresolve.imaging.formats.choice import ALL, ONLY, Choice
from deepresolve.system import notes, progress_bar

_logger = logging.getLogger(__name__)

_SHOWN_UID_DIGITS = 8


@dataclasses.dataclass(frozen=True)
class Chosen:
    """One volume that is taken.

    Attributes:
      id: the scan's name; where several of its volumes are taken also which it is:
        "knee_s4_e2".
      name: of the scan.
      path: its file or folder.
      choice: which of its volumes it is, as `formats.read_image` takes it.
      identity: of `formats.Contents`.
      acquired: what its headers tell of the acquisition.
    """

    id: str
    name: str
    path: pathlib.Path
    choice: Choice = ONLY
    identity: frozenset[tuple[str, str]] = frozenset()
    acquired: formats.Acquired = formats.Acquired()


def choose(
    scans: Mapping[str, pathlib.Path], asked: Choice, own: Mapping[str, Choice]
) -> list[Chosen]:
    """The volumes that are asked for; headers are read, and no voxels.

    A scan whose headers cannot be read is one volume: who reads it will say why.

    Args:
      scans: path by name.
      asked: of every scan; counts only where a scan leaves a choice. `ALL` takes every
        series or echo.
      own: what is asked of single scans instead, by name.
    """
    found = []
    as_they_are: dict[str, list[str]] = {}
    in_order = sorted(scans.items())
    for name, path in progress_bar.each(in_order, "look", len(in_order), "scan"):
        wanted = _merged(asked, own.get(name, ONLY))
        contents = _contents(path, wanted)
        several = len(contents.choices) > 1
        for choice, acquired in zip(contents.choices, contents.acquired, strict=True):
            mark = _mark(choice, wanted) if several else ""
            identity = contents.identity
            found.append(Chosen(name + mark, name, path, choice, identity, acquired))
        for field in _dropped(contents.choices[0], wanted):
            as_they_are.setdefault(field, []).append(name)
    _tell(asked, as_they_are, len(scans))
    return found


def _contents(path: pathlib.Path, asked: Choice) -> formats.Contents:
    try:
        with notes.collected():  # They come again when the scan is read.
            return formats.contents(path, asked)
    except (ValueError, OSError):
        return formats.Contents((asked,))


def _given(choice: Choice) -> Iterator[tuple[str, Any]]:
    for field, value in dataclasses.asdict(choice).items():
        if value is not None:
            yield field, value


def _dropped(choice: Choice, asked: Choice) -> Iterator[str]:
    """What was asked for and had nothing to choose among."""
    echo_chose = asked.series is None and choice.series is not None
    for field, value in _given(asked):
        chose = getattr(choice, field) is not None or (field == "echo" and echo_chose)
        if value != ALL and not chose:
            yield field


def _merged(asked: Choice, own: Choice) -> Choice:
    return dataclasses.replace(asked, **dict(_given(own)))


def _mark(choice: Choice, asked: Choice) -> str:
    """What an id says of a volume that is one of several: "_s4_e2"."""
    letters = {"series": "s", "echo": "e", "volume": "v"}
    return "".join(
        f"_{letter}{str(getattr(choice, field))[-_SHOWN_UID_DIGITS:]}"
        for field, letter in letters.items()
        if getattr(asked, field) == ALL and getattr(choice, field) is not None
    )


def _tell(asked: Choice, as_they_are: Mapping[str, list[str]], total: int) -> None:
    """Names the scans that a choice does not concern."""
    for field, value in _given(asked):
        if names := as_they_are.get(field):
            _logger.warning(
                "--%s=%s is not for %d of %d scans, the first %r, which leave no such "
                "choice: they are taken as they are.",
                *(field, value, len(names), total, names[0]),
            )
