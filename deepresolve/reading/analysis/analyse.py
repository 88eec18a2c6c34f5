"""Opens the key of a study and says what the readers found.

Writes report.html, report.md, report.json, answers.csv (every answer, unblinded, with
its time) and scores.png.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import deepresolve
from deepresolve.evaluation import known_digits
from deepresolve.reading.analysis import (
    agreement_rows,
    contents,
    paired_tests,
    score_figure,
    scores,
)
from deepresolve.reading.analysis.scores import ReaderScores
from deepresolve.reading.study.unblinding import to_csv, unblind
from deepresolve.reports import html, markdown, writing


def write_report(
    study: pathlib.Path | str, output: pathlib.Path | str
) -> list[pathlib.Path]:
    """Analyses a study and writes the report, all files of it together.

    Args:
      study: folder that `prepare` made.
      output: local folder of the report; made if need be.

    Returns:
      The paths of the files.

    Raises:
      FileNotFoundError: there is no study, or no key.
      ValueError: the key was changed, nothing is locked yet, or an answer does not
        belong to the study.
      OSError: a file cannot be written.
    """
    opened = unblind(study)
    rated = scores.ratings(opened)
    found = scores.by_case(opened, rated)
    tests = paired_tests.paired_tests(found)
    agreement = agreement_rows.agreement_rows(
        rated,
        opened.study.readers,
        1 + max(sealed.repeat for sealed in opened.key.presentations.values()),
    )
    blocks = contents.report(opened, rated, found, tests, agreement)
    drawn = {contents.FIGURE.file: score_figure.draw(rated, opened.study.readers)}
    return writing.write(
        writing.make_folder(str(output)),
        {
            "report.html": html.render(blocks, drawn),
            "report.md": markdown.render(blocks),
            "report.json": _to_json(found, tests, agreement),
            "answers.csv": to_csv(opened.readings),
            **drawn,
        },
    )


def _to_json(
    found: ReaderScores,
    tests: Sequence[Mapping[str, Any]],
    agreement: Sequence[Mapping[str, Any]],
) -> str:
    return writing.strict_json(
        {
            "rows": known_digits.rows(paired_tests.mean_rows(found)),
            "tests": known_digits.rows(tests),
            "agreement": known_digits.rows(agreement),
            "questions": [vars(question) for question in found.questions],
            "facts": dict(found.facts),
            "deepresolve": deepresolve.__version__,
        }
    )
