"""Trained runs of any task, ready to be measured: one, or one beside a benchmark."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from deepresolve import tasks
from deepresolve.config.tasks import part
from deepresolve.evaluation.benchmark import BENCHMARK
from deepresolve.evaluation.held_out import HeldOut
from deepresolve.metrics.comparison import Comparison
from deepresolve.tasks.held_out import Subject
from deepresolve.tasks.trained_run import TrainedRun

Comparisons = Callable[[Subject], Iterable[Comparison]]


def only(run: TrainedRun) -> Mapping[str, str]:
    """Text scalars of the scans that a run learned from; all where none."""
    return tasks.find(run.config.task).only(run.config)


def check_comparable(run: TrainedRun, benchmark: TrainedRun) -> None:
    """Sees that two runs can be measured on the same scans, by the same measures.

    Raises:
      ValueError: they are one, or of two tasks, or learned from other series.
    """
    if benchmark.model_sha256 == run.model_sha256:
        raise ValueError(
            f"{run.name} and {benchmark.name} hold the same network, which is not its "
            "own benchmark. Name another run with --benchmark_workdir."
        )
    if benchmark.config.task != run.config.task:
        raise ValueError(
            f"{run.name} learned {run.config.task} and {benchmark.name} "
            f"{benchmark.config.task}; expected two runs of one task."
        )
    own, other = only(run), only(benchmark)
    if own != other:
        raise ValueError(
            f"{run.name} learned from {_said(own)} and {benchmark.name} from "
            f"{_said(other)}; a benchmark is measured on the same scans. Answers about "
            "several series of an exam are put together by deepresolve combine."
        )


def _said(scalars: Mapping[str, str]) -> str:
    told = ", ".join(f"{name} {text!r}" for name, text in scalars.items())
    return f"scans of {told}" if told else "all scans"


def beside(own: Comparisons, benchmark: Comparisons) -> Comparisons:
    """What two runs found in a subject, the benchmark's with its source's name."""

    def of_subject(subject: Subject) -> Iterable[Comparison]:
        yield from own(subject)
        for comparison in benchmark(subject):
            yield dataclasses.replace(comparison, source=BENCHMARK)

    return of_subject


def load(run: TrainedRun, held_out: HeldOut, options: Mapping[str, Any]) -> Comparisons:
    """Loads the network; what comes back is for `measuring.evaluate`.

    Numbers are those of float32, whatever the network was trained in.

    Args:
      run: of any task.
      held_out: what is measured.
      options: of the task's prediction, by name.

    Returns:
      What is measured of a subject, as the task's `measuring` says.

    Raises:
      ValueError: not trained yet, subjects without labels for a task that needs them,
        or an option that the task does not have.
    """
    task = run.config.task
    if "label" in tasks.find(task).needs:
        held_out.require_labels("name records that have them with --records")
    predictor = run.predictor(dtype="float32", **options)
    comparisons = part(task, "measuring").comparisons

    def of_subject(subject: Subject) -> Iterable[Comparison]:
        return comparisons(run, predictor, subject, held_out.label_names)

    return of_subject
