"""One trained run of any task, ready to be measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from deepresolve import tasks
from deepresolve.config.tasks import part
from deepresolve.evaluation.held_out import HeldOut
from deepresolve.metrics.comparison import Comparison
from deepresolve.tasks.held_out import Subject
from deepresolve.tasks.trained_run import TrainedRun


def load(
    run: TrainedRun, held_out: HeldOut, options: Mapping[str, Any]
) -> Callable[[Subject], Iterable[Comparison]]:
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
