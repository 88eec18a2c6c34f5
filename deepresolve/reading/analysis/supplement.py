"""A reader study as what it adds to an evaluation of the same scans."""

from __future__ import annotations

import pathlib
from collections.abc import Collection, Mapping

from deepresolve.evaluation.supplement import Supplement
from deepresolve.reading.analysis import paired_tests, scores, tables
from deepresolve.reading.analysis.scores import ReaderScores
from deepresolve.reports.document import Block, Facts, Heading, Paragraph


def load(
    study: pathlib.Path | str,
    people: Mapping[str, str],
    split: str,
    image_sets: Collection[str],
) -> Supplement:
    """The scores of a study, for the report of an evaluation.

    Args:
      study: folder of the study.
      people: subjects that the evaluation measures, and whom each is of.
      split: what they are called together.
      image_sets: those that the evaluation makes.

    Raises:
      FileNotFoundError: there is no study, or no key.
      ValueError: the study cannot be opened, nothing is locked, readers read other
        subjects, or image sets that the evaluation lacks.
    """
    found = scores.load(study)
    check_belongs(found, people, split, image_sets)
    return supplement(found, people)


def check_belongs(
    found: ReaderScores,
    subjects: Collection[str],
    split: str,
    image_sets: Collection[str],
) -> None:
    """Sees that readers read what an evaluation measures.

    Args:
      found: scores of the study.
      subjects: names of those that the evaluation measures.
      split: what they are called together.
      image_sets: those that the evaluation makes.

    Raises:
      ValueError: they read other subjects, or image sets that the evaluation lacks.
    """
    if strange := sorted(found.cases - set(subjects)):
        raise ValueError(
            f"The reader study is of other scans: {len(strange)} of its "
            f"{len(found.cases)} cases, the first {strange[0]!r}, are not among the "
            f"{len(subjects)} {split} subjects of the records. Name the study that was "
            "prepared from an evaluation of these."
        )
    if missing := [s for s in found.image_sets if s not in image_sets]:
        raise ValueError(
            f"The reader study compares {', '.join(found.image_sets)}, but this "
            f"evaluation makes no {', '.join(missing)}. Give the networks and the "
            "factor with which the study's volumes were made."
        )


def supplement(found: ReaderScores, people: Mapping[str, str]) -> Supplement:
    """Scores of cases, their tests, and their section of a report.

    Args:
      found: scores of the study.
      people: subjects that an evaluation measures, and whom each is of.
    """
    tests = paired_tests.paired_tests(found)
    read = {people[case] for case in found.cases}
    told = (
        f"Read blinded: {len(found.cases)} of the {len(people)} scans, of "
        f"{len(read)} people. DIQ: diagnostic image quality."
    )
    blocks: list[Block] = [
        Heading("Readers"),
        Paragraph(told),
        tables.means_table(found, tests),
        tables.tests_table(found, tests),
        *(Paragraph(note) for note in tables.test_notes(tests)),
        Facts(found.facts),
    ]
    return Supplement(
        {question.name: question for question in found.questions},
        paired_tests.measurements(found, people),
        tests,
        found.facts,
        tuple(blocks),
    )
