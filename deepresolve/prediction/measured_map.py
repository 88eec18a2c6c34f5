"""What is measured of one label map, as lines of a table.

Worker processes import this and what it needs, which is without TensorFlow.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from deepresolve import __version__
from deepresolve.imaging import formats
from deepresolve.quantification.knee import COLUMNS, measure
from deepresolve.quantification.regions import WEIGHT_BEARING
from deepresolve.system import notes as scan_notes
from deepresolve.tasks.prediction import Row, TableKind

if TYPE_CHECKING:
    from deepresolve.prediction.scan_tables import NamedRow

_FINGERPRINT_DIGITS = 16

TABLE = TableKind(
    "cartilage",
    {
        "place": str,
        **dict.fromkeys(COLUMNS, float),
        "weight_bearing": float,
        "fingerprint": str,
    },
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How label maps are measured. It pickles.

    Attributes:
      label_names: what their values mean.
      weight_bearing: share of a condyle that its centre has, above 0 and below 1.
    """

    label_names: Mapping[int, str]
    weight_bearing: float = WEIGHT_BEARING

    def fingerprint(self, path: pathlib.Path) -> str:
        """What the numbers follow from: the file's bytes, settings, our version.

        Returns:
          16 hexadecimal digits; two label maps of the same have the same numbers.

        Raises:
          ValueError, OSError: the file cannot be read.
        """
        told = [__version__, formats.sha256(path), dataclasses.asdict(self)]
        text = json.dumps(told, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT_DIGITS]


@dataclasses.dataclass(frozen=True)
class Measured:
    """What became of one label map.

    Attributes:
      rows: of `TABLE`, without the name of the scan.
      summary: one line for the screen.
      notes: what makes the numbers worse than they look.
    """

    rows: tuple[Row, ...]
    summary: str
    notes: tuple[str, ...]


def measure_map(path: pathlib.Path, settings: Settings) -> Measured:
    """Reads and measures one label map.

    Raises:
      ValueError: it cannot be read, or there is nothing to measure.
      OSError: it cannot be read.
    """
    fingerprint = settings.fingerprint(path)
    image = formats.read_image(path)
    label_map = formats.read_label_map(path, image=image)
    knee = measure(label_map, settings.label_names, settings.weight_bearing)
    rows: tuple[Row, ...] = tuple(
        (
            place,
            *(of_place.get(column, math.nan) for column in COLUMNS),
            knee.weight_bearing,
            fingerprint,
        )
        for place, of_place in knee.quantities.items()
    )
    return Measured(rows, knee.summary, knee.notes)


@dataclasses.dataclass(frozen=True)
class Task:
    """A label map to measure.

    Attributes:
      path: of the label map.
      name: of the knee in the table.
      known: fingerprint of the lines that the table has of it; "" where it has none.
    """

    path: pathlib.Path
    name: str
    known: str = ""


@dataclasses.dataclass(frozen=True)
class Result:
    """What became of a label map.

    Attributes:
      path: of the label map.
      message: what was measured, or why nothing was; "" where it was passed over.
      failed: whether nothing was measured.
      notes: what else the user should know of it; each begins with the path.
      rows: what it adds to the table.
    """

    path: str
    message: str = ""
    failed: bool = False
    notes: tuple[str, ...] = ()
    rows: Sequence[NamedRow] = ()

    @property
    def passed_over(self) -> bool:
        """Whether the table had just these lines before."""
        return not self.message


@dataclasses.dataclass(frozen=True)
class Work:
    """What is done for each label map. It pickles.

    Attributes:
      settings: how label maps are measured.
      measure: who measures one.
    """

    settings: Settings
    measure: Callable[[pathlib.Path, Settings], Measured] = measure_map

    def __call__(self, task: Task) -> Result:
        """Measures one label map, unless the table has that already."""
        path = str(task.path)
        with scan_notes.collected() as found:
            try:
                if task.known and task.known == self.settings.fingerprint(task.path):
                    return Result(path)
                measured = self.measure(task.path, self.settings)
            except (ValueError, OSError) as error:
                return _failed(task, str(error), found)
            except MemoryError:
                text = "out of memory. Measure with fewer workers at a time."
                return _failed(task, text, found)
            except Exception as error:  # One knee of thousands must not end the night.
                text = f"unexpected {type(error).__name__}: {error}. Please report it."
                return _failed(task, text, found)
        rows = [(task.name, *row) for row in measured.rows]
        notes = (*found, *(f"{path}: {note}" for note in measured.notes))
        return Result(path, measured.summary, False, notes, rows)


def _failed(task: Task, reason: str, found: Sequence[str]) -> Result:
    kept = " Its older lines stay in the table." if task.known else ""
    return Result(str(task.path), reason + kept, True, tuple(found))
