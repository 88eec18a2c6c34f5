"""The report of one run of any task: report.html, report.md, report.json, subjects.csv.

Where there are numbers of the cohort, compared.csv has what they rest on; where
something was detected, there are figures of it.

report.json holds plain numbers (SSIM from 0 to 1, pSNR in dB), `null` where there is no
value; tables print them times their metric's scale (SSIM x100).
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deepresolve.evaluation import benchmark, known_digits, rows, subjects_csv
from deepresolve.evaluation.detection.section import FIGURES, Section
from deepresolve.evaluation.measuring import Evaluation
from deepresolve.evaluation.results import CohortMeasurement, Measurement
from deepresolve.evaluation.tables import legend_text
from deepresolve.metrics.table import METRICS
from deepresolve.reports import html, markdown, writing
from deepresolve.reports.document import Block, Facts, Heading, Paragraph, Table
from deepresolve.reports.number_text import NOT_APPLICABLE, mean_sd_text, number_text

HTML_FILE = "report.html"
TITLE = "DeepResolve: evaluation of a run"


def save(
    folder: pathlib.Path,
    evaluation: Evaluation,
    detection: Section,
    provenance: Mapping[str, Any],
) -> list[pathlib.Path]:
    """Writes the whole report.

    Numbers and text first, together; then figures and the page that shows them, which
    until then are those of an earlier report, and removed.

    Args:
      folder: an existing local folder.
      evaluation: what was found.
      detection: what its probabilities are worth.
      provenance: what the numbers belong to: records, split, workdir, versions, ...

    Returns:
      The paths of the files.

    Raises:
      OSError: a file cannot be written.
    """
    blocks = report(evaluation, detection, provenance)
    numbers = {
        "report.md": markdown.render(blocks),
        "report.json": to_json(evaluation, detection, provenance),
        "subjects.csv": subjects_csv.to_csv(evaluation.measurements),
    }
    if evaluation.compared:
        compared = subjects_csv.compared_to_csv(evaluation.compared)
        numbers[subjects_csv.COMPARED_FILE] = compared
    for name in (subjects_csv.COMPARED_FILE, HTML_FILE, *FIGURES):
        (folder / name).unlink(missing_ok=True)
    paths = writing.write(folder, numbers)
    drawn = detection.draw()
    paths += writing.write(folder, {HTML_FILE: html.render(blocks, drawn), **drawn})
    (folder / subjects_csv.PROGRESS_FILE).unlink(missing_ok=True)
    return paths


def to_json(
    evaluation: Evaluation, detection: Section, provenance: Mapping[str, Any]
) -> str:
    """Strict JSON (no NaN, no Infinity) of all numbers and where they came from."""
    content = {
        "rows": known_digits.rows(rows.summary_rows(evaluation.measurements)),
        "cohort": known_digits.rows(map(_cohort_row, evaluation.cohort)),
        "tests": known_digits.rows(evaluation.tests),
        **detection.rows(),
        "metrics": meanings(evaluation),
        "provenance": dict(provenance),
        "subjects": [vars(subject) for subject in evaluation.subjects],
    }
    return writing.strict_json(content)


def report(
    evaluation: Evaluation, detection: Section, provenance: Mapping[str, Any]
) -> list[Block]:
    """The whole report."""
    people = {subject.person for subject in evaluation.subjects}
    return [
        Heading(TITLE, level=1),
        Paragraph(f"{len(evaluation.subjects)} scans of {len(people)} people."),
        *summary(evaluation, detection),
        *detection.pictures(),
        Heading("What the measures mean"),
        Facts(meanings(evaluation)),
        Heading("What was measured"),
        Facts(provenance),
    ]


def summary(evaluation: Evaluation, detection: Section) -> list[Block]:
    """The tables: numbers of subjects, then of the cohort, then of what is detected."""
    blocks: list[Block] = []
    if evaluation.measurements:
        blocks += [Heading("Subjects"), subjects_table(evaluation.measurements)]
        blocks.append(Paragraph(legend_text(())))
    if evaluation.tests:
        blocks += benchmark.blocks(evaluation.tests)
    if evaluation.cohort:
        blocks += [Heading("Cohort"), cohort_table(evaluation.cohort)]
        blocks.append(Paragraph("One number of all subjects together; n: subjects."))
    return blocks + detection.blocks()


def meanings(evaluation: Evaluation) -> dict[str, str]:
    """What each number is, by name of the metric, of those that were taken."""
    taken = {m.metric for m in evaluation.measurements}
    taken |= {m.metric for m in evaluation.cohort}
    return {name: metric.meaning for name, metric in METRICS.items() if name in taken}


def subjects_table(measurements: Iterable[Measurement]) -> Table:
    """Mean and standard deviation: a row a metric and class, a column an image set."""
    found = rows.summary_rows(measurements)
    image_sets = tuple(dict.fromkeys(row["image_set"] for row in found))
    lines: dict[tuple[str, str, str | None], dict[str, str]] = {}
    for row in found:
        key = row["network"], row["metric"], row["class"]
        cell = mean_sd_text(row, METRICS[row["metric"]].table_scale)
        lines.setdefault(key, {})[row["image_set"]] = cell
    return Table(
        ("Measure", "Class", "Source", *image_sets),
        tuple(
            (
                *(METRICS[metric].heading, label_class or "", source),
                *(cells.get(name, NOT_APPLICABLE) for name in image_sets),
            )
            for (source, metric, label_class), cells in lines.items()
        ),
        num_text_columns=3,
    )


def cohort_table(cohort: Sequence[CohortMeasurement]) -> Table:
    """A row a number, in the unit of the metric or of what it compared."""
    return Table(
        ("Measure", "Class", "Source", "Image set", "n", "Value"),
        tuple(map(_cohort_line, cohort)),
        num_text_columns=4,
    )


def _cohort_line(found: CohortMeasurement) -> tuple[str, ...]:
    metric = METRICS[found.metric]
    unit = metric.unit or found.unit
    value = number_text(found.value * metric.table_scale, f".{metric.table_decimals}f")
    return (
        f"{metric.title} ({unit})" if unit else metric.title,
        found.label_class or "",
        found.source,
        found.image_set,
        str(found.n),
        value,
    )


def _cohort_row(found: CohortMeasurement) -> dict[str, Any]:
    return {
        "image_set": found.image_set,
        "metric": found.metric,
        "class": found.label_class,
        "value": found.value,
        "unit_of_values": found.unit,
        "n": found.n,
        "network": found.source,
    }
