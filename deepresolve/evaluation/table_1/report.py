"""The files of a report.

report.md, report.html and figures are for people, report.json and subjects.csv for
programs. report.json holds plain numbers (SSIM from 0 to 1, pSNR in dB); tables print
them as the paper does (SSIM x100). `null` stands for what has no value: the standard
deviation of one subject, or a mean that is infinite.

Nothing of a long run is lost. Each subject's numbers go to a file of their own
(`PROGRESS_FILE`) as soon as they are there; it is removed when the report is complete.
At the end numbers are written before figures are drawn.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

from deepresolve.evaluation import known_digits, reader_scores, rows
from deepresolve.evaluation.results import Measurement
from deepresolve.evaluation.table_1 import contents, figures
from deepresolve.evaluation.table_1.analysis import Analysis
from deepresolve.reports import html, markdown
from deepresolve.system import files

PROGRESS_FILE = "subjects.partial.csv"
HTML_FILE = "report.html"
_COLUMNS = ("subject", "person", "network", "image_set", "metric", "class", "value")


def save(
    folder: pathlib.Path, analysis: Analysis, provenance: Mapping[str, Any]
) -> list[pathlib.Path]:
    """Writes the whole report.

    Numbers and text first, together; then figures and the page that shows them, which
    until then are those of an earlier report, and removed.

    Args:
      folder: an existing local folder.
      analysis: what was found.
      provenance: what the numbers belong to: records, split, workdirs, versions, ...

    Returns:
      The paths of the files.

    Raises:
      OSError: a file cannot be written.
    """
    blocks = contents.report(analysis, provenance, figures.pictures(analysis.results))
    paths = write(
        folder,
        {
            "report.md": markdown.render(blocks),
            "report.json": to_json(analysis, provenance),
            "subjects.csv": to_csv(analysis.results.measurements),
        },
    )
    for name in (HTML_FILE, *figures.FIGURES):
        (folder / name).unlink(missing_ok=True)
    drawn = figures.draw(analysis)
    paths += write(folder, {HTML_FILE: html.render(blocks, drawn), **drawn})
    (folder / PROGRESS_FILE).unlink(missing_ok=True)
    return paths


def to_json(analysis: Analysis, provenance: Mapping[str, Any]) -> str:
    """Strict JSON (no NaN, no Infinity) of all numbers and where they came from."""
    results = analysis.results
    content = {
        "rows": known_digits.rows(rows.summary_rows(results.measurements)),
        "tests": known_digits.rows(analysis.tests),
        "bland_altman": known_digits.rows(analysis.volumes),
        "readers": _readers(analysis),
        "seconds": known_digits.rows(
            rows.seconds_rows(results.plan.networks, results.timings)
        ),
        "metrics": contents.meanings(results.plan),
        "protocol": contents.protocol(results),
        "provenance": dict(provenance),
        "subjects": [vars(subject) for subject in results.subjects],
    }
    return strict_json(content)


def strict_json(content: Mapping[str, Any]) -> str:
    """JSON without NaN and Infinity, which become null."""
    return json.dumps(_without_nan(content), indent=2, allow_nan=False) + "\n"


def _readers(analysis: Analysis) -> dict[str, Any] | None:
    if analysis.readers is None:
        return None
    return {
        "rows": known_digits.rows(reader_scores.summary_rows(analysis.readers)),
        "tests": known_digits.rows(analysis.reader_tests),
        "facts": dict(analysis.readers.facts),
    }


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


def make_folder(directory: str) -> pathlib.Path:
    """Makes the folder of a report, so that a long run need not fail at its end.

    Raises:
      ValueError: `directory` is a remote address.
      OSError: it cannot be made or written into.
    """
    if "://" in directory:
        raise ValueError(
            f"The report goes to a local folder; got {directory}. Name one."
        )
    path = pathlib.Path(directory)
    files.check_folder(path)
    path.mkdir(parents=True, exist_ok=True)
    return path


def write(
    directory: pathlib.Path, contents_by_name: Mapping[str, str | bytes]
) -> list[pathlib.Path]:
    """Writes several files together.

    All are written whole under temporary names and only then renamed: a full disk or
    an interrupt leaves the earlier files as they were.

    Args:
      directory: an existing local folder.
      contents_by_name: text or bytes; files of these names are replaced.

    Returns:
      The paths, in the order of the names.

    Raises:
      OSError: a file cannot be written.
    """
    paths = [directory / name for name in contents_by_name]
    with contextlib.ExitStack() as stack:
        for path, content in zip(paths, contents_by_name.values(), strict=True):
            data = content.encode() if isinstance(content, str) else content
            stack.enter_context(files.replacing(path)).write_bytes(data)
    return paths


def _without_nan(value: Any) -> Any:
    """JSON has no NaN and no infinity: both become None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return value
