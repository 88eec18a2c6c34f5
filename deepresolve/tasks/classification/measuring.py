"""How a classification is measured: against the scalars of the scan's record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from deepresolve.metrics.comparison import Comparison
from deepresolve.tasks.classification.predictor import GRADES
from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.classification.truth import SERIES, targets
from deepresolve.tasks.held_out import Subject
from deepresolve.tasks.prediction import Predictor

if TYPE_CHECKING:
    from deepresolve.tasks.trained_run import TrainedRun

SOURCE = "grades"


def comparisons(
    run: TrainedRun,
    predictor: Predictor,
    subject: Subject,
    label_names: Mapping[int, str],
) -> Iterator[Comparison]:
    """Of each grade that is known: the grade, and the probability that it is above 0.

    Args:
      run: of a classification.
      predictor: of the run.
      subject: with scalars, of the series that the run learned from.
      label_names: not needed.

    Raises:
      ValueError: a grade is no whole number, or out of range.
    """
    truth = targets(run.settings(ClassificationConfig), subject.scalars)
    if np.isnan(truth).all():
        return
    series = str(subject.scalars.get(SERIES, ""))
    prediction = predictor.predict(subject.image)
    for name, grade, probability, _ in prediction.tables[GRADES]:
        if name in subject.scalars:
            true = int(subject.scalars[str(name)])
            where = (SOURCE, series or "scan", str(name))
            yield Comparison("probabilities", true > 0, probability, *where)
            yield Comparison("classes", true, grade, *where)
