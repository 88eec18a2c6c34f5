"""Numbers of subjects as comma-separated values: a line a number.

Nothing of a long run is lost. Each subject's numbers go to a file of their own
(`PROGRESS_FILE`) as soon as they are there; it is removed when the report is complete.
"""

from __future__ import annotations

import csv
import io
import pathlib
from collections.abc import Iterable

from deepresolve.evaluation import known_digits
from deepresolve.evaluation.results import Compared, Measurement

PROGRESS_FILE = "subjects.partial.csv"
# Of the report of a run.
COMPARED_FILE = "compared.csv"
_COMPARED_COLUMNS = (
    *("subject", "person", "network", "image_set", "kind", "class"),
    *("reference", "estimate", "unit"),
)
_COLUMNS = ("subject", "person", "network", "image_set", "metric", "class", "value")


def to_csv(measurements: Iterable[Measurement], *, header: bool = True) -> str:
    """One line a number, as far as it is known (`known_digits`).

    The long form keeps its columns when metrics and classes are added.

    Args:
      measurements: the numbers.
      header: whether to start with the names of the columns.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    if header:
        writer.writerow(_COLUMNS)
    for m in measurements:
        where = m.subject, m.person, m.source, m.image_set
        value = known_digits.value(m.metric, m.value)
        writer.writerow((*where, m.metric, m.label_class or "", repr(value)))
    return table.getvalue()


def compared_to_csv(compared: Iterable[Compared]) -> str:
    """One line an estimate, beside its reference: what ROC curves are drawn of.

    Args:
      compared: of all subjects.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(_COMPARED_COLUMNS)
    for c in compared:
        where = c.subject, c.person, c.source, c.image_set, c.kind, c.label_class or ""
        writer.writerow((*where, repr(c.reference), repr(c.estimate), c.unit))
    return table.getvalue()


class Progress:
    """Keeps the numbers of the subjects done so far in `PROGRESS_FILE`.

    Args:
      folder: an existing local folder; what an earlier run left there is replaced by
        the first subject of this one.
    """

    def __init__(self, folder: pathlib.Path):
        self._path = folder / PROGRESS_FILE
        self._mode = "w"

    def add(self, measurements: Iterable[Measurement]) -> None:
        """Adds one subject's numbers.

        Raises:
          OSError: they cannot be written.
        """
        text = to_csv(measurements, header=self._mode == "w")
        with self._path.open(self._mode, encoding="utf-8") as file:
            file.write(text)
        self._mode = "a"
