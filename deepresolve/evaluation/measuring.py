"""Measures held-out subjects, one in memory at a time, whatever the task.

What is measured comes as `Comparison`s, an estimate beside its reference. Metrics of a
subject give a number for each; metrics of a cohort one for those of all subjects that
have the same source, image set, class and unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from deepresolve.evaluation.results import (
    CohortMeasurement,
    Compared,
    EvaluatedSubject,
    Measurement,
)
from deepresolve.metrics.comparison import Comparison
from deepresolve.metrics.table import METRICS, Metric, measure
from deepresolve.system import progress_bar
from deepresolve.tasks.held_out import Subject

_S = TypeVar("_S", bound=Subject)
_T = TypeVar("_T")


class Evaluation(NamedTuple):
    """What was found.

    Attributes:
      subjects: facts of each, in the order of the run.
      measurements: every number of one subject.
      cohort: every number of all subjects together.
      compared: what these rest on, for each subject.
      tests: of two networks, where there were two; see `benchmark.paired_tests`.
    """

    subjects: tuple[EvaluatedSubject, ...]
    measurements: tuple[Measurement, ...]
    cohort: tuple[CohortMeasurement, ...]
    compared: tuple[Compared, ...] = ()
    tests: tuple[Mapping[str, Any], ...] = ()


def evaluate(
    subjects: Iterable[_S],
    comparisons_of: Callable[[_S], Iterable[Comparison]],
    *,
    metrics: Mapping[str, Metric] = METRICS,
    num_subjects: int | None = None,
    on_subject: Callable[[Sequence[Measurement]], None] | None = None,
) -> Evaluation:
    """Measures every subject, and all of them together.

    Args:
      subjects: held-out scans; read one at a time, so an iterator will do.
      comparisons_of: makes what is measured of a subject. Arrays are let go with their
        subject, numbers (of the kinds of a cohort) are kept.
      metrics: what to measure, by name.
      num_subjects: how many there are, for the progress bar alone.
      on_subject: called with the numbers of each subject as soon as they are there.

    Raises:
      ValueError: there are no subjects, two have one name, or one cannot be measured;
        the message names it.
    """
    of_cohort = {n: metric for n, metric in metrics.items() if metric.over == "cohort"}
    kept: list[tuple[EvaluatedSubject, Comparison]] = []

    def measured(subject: _S) -> tuple[EvaluatedSubject, list[Measurement]]:
        numbers: list[Measurement] = []
        own = facts(subject)
        for comparison in comparisons_of(subject):
            numbers += of_comparison(subject, comparison, metrics)
            if any(metric.of == comparison.kind for metric in of_cohort.values()):
                kept.append((own, comparison))
        return own, numbers

    everyone, measurements = [], []
    for subject, numbers in each(subjects, measured, num_subjects):
        everyone.append(subject)
        measurements += numbers
        if on_subject is not None:
            on_subject(numbers)
    cohort = tuple(over_cohort((comparison for _, comparison in kept), of_cohort))
    compared = tuple(_compared(*each) for each in kept)
    return Evaluation(tuple(everyone), tuple(measurements), cohort, compared)


def _compared(subject: EvaluatedSubject, comparison: Comparison) -> Compared:
    return Compared(
        *(subject.subject, subject.person, comparison.source, comparison.image_set),
        *(comparison.kind, comparison.label_class),
        float(comparison.reference),
        float(comparison.estimate),
        comparison.unit,
    )


def each(
    subjects: Iterable[_S], work: Callable[[_S], _T], num_subjects: int | None = None
) -> Iterator[_T]:
    """What `work` makes of every subject; shows a progress bar.

    Args:
      subjects: scans; one is held at a time.
      work: is called with each.
      num_subjects: how many there are, for the progress bar alone.

    Raises:
      ValueError: there are no subjects, two have one name, or `work` refuses one; the
        message names it.
    """
    names: set[str] = set()
    for subject in progress_bar.each(subjects, "evaluation", num_subjects, "volume"):
        if subject.subject in names:
            raise ValueError(f"Subject {subject.subject!r} came twice.")
        names.add(subject.subject)
        try:
            done = work(subject)
        except ValueError as error:
            raise ValueError(f"Subject {subject.subject!r}: {error}") from error
        del subject  # not to be held while the next one is read
        yield done
        del done
    if not names:
        raise ValueError("There are no subjects to evaluate.")


def facts(subject: Subject) -> EvaluatedSubject:
    """What is kept of a subject's scan."""
    return EvaluatedSubject(
        subject.subject,
        subject.person,
        subject.image.shape,
        subject.image.spacing_mm,
    )


def of_comparison(
    subject: Subject, comparison: Comparison, metrics: Mapping[str, Metric]
) -> Iterator[Measurement]:
    """A number for each metric of a subject that is of the comparison's kind.

    Raises:
      ValueError: it cannot be measured.
    """
    for name, metric in metrics.items():
        if metric.of != comparison.kind or metric.over != "subject":
            continue
        value = measure(
            metric,
            comparison.reference,
            comparison.estimate,
            spacing_mm=comparison.spacing_mm,
            voxel_mm3=comparison.voxel_mm3,
            data_range=comparison.data_range,
        )
        yield Measurement(
            subject.subject,
            subject.person,
            comparison.source,
            comparison.image_set,
            name,
            comparison.label_class,
            value,
        )


def over_cohort(
    comparisons: Iterable[Comparison], metrics: Mapping[str, Metric]
) -> Iterator[CohortMeasurement]:
    """A number for each metric of a cohort, and each source, image set, class and unit.

    Args:
      comparisons: of all subjects, numbers alone.
      metrics: those of a cohort, by name.

    Raises:
      ValueError: the numbers of the subjects cannot be measured together.
    """
    groups: dict[tuple, list[Comparison]] = {}
    for comparison in comparisons:
        where = comparison.source, comparison.image_set, comparison.label_class
        key = comparison.kind, comparison.unit, *where
        groups.setdefault(key, []).append(comparison)
    for (kind, unit, source, image_set, label_class), group in groups.items():
        true, found = (
            np.array([getattr(comparison, side) for comparison in group])
            for side in ("reference", "estimate")
        )
        for name, metric in metrics.items():
            if metric.of == kind:
                value = measure(metric, true, found)
                yield CohortMeasurement(
                    source, image_set, name, label_class, value, len(group), unit
                )
