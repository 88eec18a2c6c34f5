"""Thresholds that are chosen on other people's scans, from an earlier report."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from deepresolve.evaluation.detection import earlier
from deepresolve.evaluation.detection.measures import Answers, Question
from deepresolve.metrics import roc


def chosen(
    folder: str | os.PathLike[str],
    networks: Mapping[str, str],
    people: Collection[str],
) -> dict[Question, float]:
    """Youden's threshold of each question, chosen on the answers of a report.

    Args:
      folder: of the report of an evaluation, as a rule of the validation split.
      networks: hashes of those whose thresholds they are to be, by what a provenance
        calls them: `earlier.NETWORK` and, where there is one,
        `earlier.BENCHMARK_NETWORK`, which the report may lack.
      people: on whose scans the thresholds will be tried.

    Raises:
      ValueError: it is no such report, has no probabilities, is of another network or
        of one of these people; or all scans there have what is asked for, or none has.
    """
    found = earlier.answered(folder)
    told = earlier.provenance(folder)
    own = {name: told.get(name) for name in networks}
    if own[earlier.NETWORK] is None or any(
        sha256 not in (None, networks[name]) for name, sha256 in own.items()
    ):
        raise ValueError(
            f"{folder} is the report of another network: thresholds are those of the "
            "probabilities that they were chosen on. Evaluate this run there."
        )
    earlier.check_apart("Thresholds", earlier.people(found), people)
    return youden(found)


def youden(found: Mapping[Question, Answers]) -> dict[Question, float]:
    """Youden's threshold of each question.

    Raises:
      ValueError: all scans have what is asked for, or none has.
    """
    return {question: _youden(question, of) for question, of in found.items()}


def _youden(question: Question, found: Answers) -> float:
    try:
        return roc.youden_threshold(found.reference, found.probability)
    except ValueError as error:
        raise ValueError(f"No threshold of {question.name}: {error}") from error
