"""What is measured of one label map, as lines of a table.

Worker processes import this and what it needs, which is without TensorFlow.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from deepresolve import __version__
from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from deepresolve.prediction.label_map_files import read_label_map
from deepresolve.prediction.placement import further_path, without_ending
from deepresolve.quantification import probabilities
from deepresolve.quantification.intervals import measure_with_intervals
from deepresolve.quantification.knee import KneeMeasures, measure
from deepresolve.quantification.regions import WEIGHT_BEARING
from deepresolve.system import notes as scan_notes
from deepresolve.tasks import knee_table
from deepresolve.tasks.prediction import Labels, Row

if TYPE_CHECKING:
    from deepresolve.prediction.scan_tables import NamedRow

_FINGERPRINT_DIGITS = 16

TABLE, KNEES = knee_table.KIND, knee_table.KNEES


@dataclasses.dataclass(frozen=True)
class Source:
    """The files of one knee. It pickles.

    Attributes:
      path: of the label map.
      probabilities: of each value that has one, by value.
      readings: other label maps of the same knee.
      baseline: those of the same knee at an earlier visit, whose regions it gets; None:
        its own.
    """

    path: pathlib.Path
    probabilities: Mapping[int, pathlib.Path] = dataclasses.field(default_factory=dict)
    readings: tuple[pathlib.Path, ...] = ()
    baseline: Source | None = None


@dataclasses.dataclass(frozen=True)
class Settings:
    """How label maps are measured. It pickles.

    Attributes:
      label_names: what their values mean; empty: what the segments of DICOM
        segmentations are called.
      weight_bearing: share of a condyle that its centre has, above 0 and below 1.
      side: "right" or "left", which all of them are; "": not known.
    """

    label_names: Mapping[int, str]
    weight_bearing: float = WEIGHT_BEARING
    side: str = ""

    def fingerprint(self, source: Source) -> str:
        """What the numbers follow from: the files' bytes, settings, our version.

        Returns:
          16 hexadecimal digits; two label maps of the same have the same numbers.

        Raises:
          ValueError, OSError: a file cannot be read.
        """
        told = [
            *(__version__, formats.sha256(source.path), dataclasses.asdict(self)),
            {v: formats.sha256(path) for v, path in source.probabilities.items()},
            [formats.sha256(path) for path in source.readings],
        ]
        if source.baseline is not None:
            told.append(self.fingerprint(source.baseline))
        text = json.dumps(told, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_DIGITS]


@dataclasses.dataclass(frozen=True)
class Measured:
    """What became of one label map.

    Attributes:
      rows: of `TABLE`, without the name of the scan.
      summary: one line for the screen.
      notes: what makes the numbers worse than they look.
      knee: the measures.
      label_map: what was measured.
      fingerprint: what the numbers follow from.
      path: of the label map.
      about: what is known of the whole knee: a row of `KNEES` without the scan's name.
      label_names: what the values of the label map mean.
    """

    rows: tuple[Row, ...]
    summary: str
    notes: tuple[str, ...]
    knee: KneeMeasures
    label_map: Volume
    fingerprint: str
    path: pathlib.Path
    about: Row
    label_names: Mapping[int, str]


def knee_name(root: pathlib.Path, path: pathlib.Path) -> str:
    """A knee's name: the path of its scan below a folder, without an ending."""
    folder = path.parent.relative_to(root) if path != root else pathlib.Path()
    return (folder / without_ending(path)).as_posix()


def probability_files(
    path: pathlib.Path, label_names: Mapping[int, str]
) -> dict[int, pathlib.Path]:
    """Probabilities that lie beside a label map, as `predict --probabilities` has them.

    Args:
      path: of the label map.
      label_names: what its values mean.

    Returns:
      By value; empty where there are none.
    """
    named = Labels(tuple(label_names.values())).probabilities
    files = {
        value: further_path(path, name)
        for value, name in zip(label_names, named, strict=True)
    }
    return {value: file for value, file in files.items() if file.exists()}


def _reading(
    path: pathlib.Path, names: Mapping[int, str], settings: Settings
) -> Volume:
    """Another label map of the knee, numbered as its own.

    Raises:
      ValueError: it cannot be read, or has segments that the knee's own has not.
    """
    label_map, own = read_label_map(path)
    if settings.label_names or not own or own == names:
        return label_map
    values = {name: value for value, name in names.items()}
    if unknown := sorted(set(own.values()) - set(values)):
        raise ValueError(
            f"{path}: has the segments {', '.join(unknown)}, and the label map that it "
            f"is a reading of has {', '.join(values)}. Name both alike, or give "
            "--label_names."
        )
    table = np.zeros(256, np.uint8)
    for value, name in own.items():
        table[value] = values[name]
    return label_map.with_array(table[label_map.array])


def _named(path: pathlib.Path, settings: Settings) -> tuple[Volume, Mapping[int, str]]:
    """A label map, and what its values mean."""
    label_map, own_names = read_label_map(path)
    return label_map, settings.label_names or own_names


def _probabilities(source: Source) -> dict[int, Volume] | None:
    """By value; None where none lie beside the label map."""
    found = {v: formats.read_map(path) for v, path in source.probabilities.items()}
    return found or None


def _baseline(source: Source, settings: Settings) -> KneeMeasures:
    """An earlier visit, without intervals: its regions do not follow from them."""
    label_map, names = _named(source.path, settings)
    known = probabilities.checked(_probabilities(source), label_map, names)
    return measure(label_map, names, settings.weight_bearing, settings.side, known)


def measure_map(source: Source, settings: Settings) -> Measured:
    """Reads and measures one label map.

    Raises:
      ValueError: it cannot be read, there is nothing to measure, or what lies beside it
        is no set of probabilities.
      OSError: it cannot be read.
    """
    fingerprint = settings.fingerprint(source)
    label_map, names = _named(source.path, settings)
    baseline = None
    if source.baseline is not None:
        baseline = _baseline(source.baseline, settings)
    knee = measure_with_intervals(
        label_map,
        names,
        probabilities=_probabilities(source),
        readings=[_reading(path, names, settings) for path in source.readings],
        weight_bearing=settings.weight_bearing,
        known_side=settings.side,
        baseline=baseline,
    )
    rows = knee_table.rows(knee, fingerprint)
    return Measured(
        *(rows, knee.summary, knee.notes, knee, label_map, fingerprint),
        source.path,
        knee_table.about(knee, fingerprint),
        names,
    )


@dataclasses.dataclass(frozen=True)
class Task:
    """A label map to measure.

    Attributes:
      source: its files.
      name: of the knee in the table.
      known: fingerprint of the lines that the table has of it; "" where it has none.
    """

    source: Source
    name: str
    known: str = ""


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a label map.

    Attributes:
      path: of the label map.
      message: what was measured, or why nothing was; "" where it was passed over.
      failed: whether nothing was measured, or not all of its files were written.
      notes: what else the user should know of it; each begins with the path.
      rows: what it adds to the table.
      about: what it adds to the table of knees.
    """

    path: str
    message: str = ""
    failed: bool = False
    notes: tuple[str, ...] = ()
    rows: Sequence[NamedRow] = ()
    about: Sequence[NamedRow] = ()

    @property
    def passed_over(self) -> bool:
        """Whether the table had just these lines before."""
        return not self.message


class KneeFiles(Protocol):
    """Files that are written of each knee beside its lines. It pickles."""

    def are_of(self, name: str, path: pathlib.Path, fingerprint: str) -> bool:
        """Whether all of a knee's are there, made of what they would be made of now.

        Args:
          name: of the knee in the table.
          path: of its label map.
          fingerprint: what its numbers follow from.
        """

    def write(self, name: str, measured: Measured) -> None:
        """Writes those of one knee: all of them, or none.

        Args:
          name: of the knee in the table.
          measured: it.

        Raises:
          ValueError: they cannot be made of this knee.
          OSError: they cannot be written.
        """


@dataclasses.dataclass(frozen=True)
class Work:
    """What is done for each label map. It pickles.

    Attributes:
      settings: how label maps are measured.
      files: what is written of each, beside its lines.
      measure: who measures one.
    """

    settings: Settings
    files: tuple[KneeFiles, ...] = ()
    measure: Callable[[Source, Settings], Measured] = measure_map

    def __call__(self, task: Task) -> Result:
        """Measures one label map, unless its lines and files are there already."""
        path = str(task.source.path)
        with scan_notes.collected() as found:
            try:
                if self._is_done(task):
                    return Result(path)
                measured = self.measure(task.source, self.settings)
            except Exception as error:  # One knee of thousands must not end the night.
                return _failed(task, _reason(error), found)
            lacking = self._write_files(task, measured)
        rows = [(task.name, *row) for row in measured.rows]
        notes = (*found, *(f"{path}: {note}" for note in measured.notes))
        about = [(task.name, *measured.about)]
        message = lacking or measured.summary
        return Result(path, message, bool(lacking), notes, rows, about)

    def _write_files(self, task: Task, measured: Measured) -> str:
        """Writes the files of a knee; why not all of them, "" if all."""
        try:
            for files in self.files:
                files.write(task.name, measured)
        except Exception as error:  # The numbers stay, and other knees go on.
            return f"measured, but not all of its files are written: {_reason(error)}"
        return ""

    def _is_done(self, task: Task) -> bool:
        if not task.known or task.known != self.settings.fingerprint(task.source):
            return False
        of_task = task.name, task.source.path, task.known
        return all(files.are_of(*of_task) for files in self.files)


def _reason(error: Exception) -> str:
    if isinstance(error, (ValueError, OSError)):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory. Measure with fewer workers at a time."
    return f"unexpected {type(error).__name__}: {error}. Please report it."


def _failed(task: Task, reason: str, found: Sequence[str]) -> Result:
    kept = " Its older lines stay in the table." if task.known else ""
    return Result(str(task.source.path), reason + kept, True, tuple(found))
