"""The files of a report.

report.md, report.html and figures are for people, report.json and subjects.csv for
programs. report.json holds plain numbers (SSIM from 0 to 1, pSNR in dB); tables print
them as the paper does (SSIM x100). `null` stands for what has no value: the standard
deviation of one subject, or a mean that is infinite.

Numbers are written before figures are drawn.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

from deepresolve.evaluation import known_digits, rows, subjects_csv
from deepresolve.evaluation.supplement import Supplement
from deepresolve.evaluation.table_1 import contents, figures
from deepresolve.evaluation.table_1.results import Analysis
from deepresolve.reports import html, markdown, writing

HTML_FILE = "report.html"


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
    paths = writing.write(
        folder,
        {
            "report.md": markdown.render(blocks),
            "report.json": to_json(analysis, provenance),
            "subjects.csv": subjects_csv.to_csv(analysis.results.measurements),
        },
    )
    for name in (HTML_FILE, *figures.FIGURES):
        (folder / name).unlink(missing_ok=True)
    drawn = figures.draw(analysis)
    paths += writing.write(folder, {HTML_FILE: html.render(blocks, drawn), **drawn})
    (folder / subjects_csv.PROGRESS_FILE).unlink(missing_ok=True)
    return paths


def to_json(analysis: Analysis, provenance: Mapping[str, Any]) -> str:
    """Strict JSON (no NaN, no Infinity) of all numbers and where they came from."""
    results = analysis.results
    content = {
        "rows": known_digits.rows(rows.summary_rows(results.measurements)),
        "tests": known_digits.rows(analysis.tests),
        "bland_altman": known_digits.rows(analysis.volumes),
        "thickness": known_digits.rows(analysis.thickness),
        "thickness_tests": known_digits.rows(analysis.thickness_tests),
        "t2": known_digits.rows(analysis.t2),
        "t2_tests": known_digits.rows(analysis.t2_tests),
        "cartilage_left_out": [left._asdict() for left in results.left_out],
        "readers": analysis.scores and _scores(analysis.scores),
        "seconds": known_digits.rows(
            rows.seconds_rows(results.plan.networks, results.timings)
        ),
        "metrics": contents.meanings(results),
        "protocol": contents.protocol(results),
        "provenance": dict(provenance),
        "subjects": [vars(subject) for subject in results.subjects],
    }
    return writing.strict_json(content)


def _scores(scores: Supplement) -> dict[str, Any]:
    return {
        "rows": known_digits.rows(rows.summary_rows(scores.measurements)),
        "tests": known_digits.rows(scores.tests),
        "facts": dict(scores.facts),
    }
