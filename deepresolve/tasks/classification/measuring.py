"""How a classification is measured: against the scalars of the scan's record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from deepresolve.metrics.comparison import Comparison
from deepresolve.tasks.classification.predictor import GRADES
from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.classification.truth import ROI, SERIES, WHOLE, targets
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

    Nothing of a piece of a scan where the run is of whole ones.

    Args:
      run: of a classification.
      predictor: of the run.
      subject: with scalars, of the series that the run learned from.
      label_names: not needed.

    Raises:
      ValueError: a grade is no whole number, or out of range.
    """
    config = run.settings(ClassificationConfig)
    truth = targets(config, subject.scalars)
    roi = str(subject.scalars.get(ROI, WHOLE))
    if roi != config.regions or np.isnan(truth).all():
        return
    series = str(subject.scalars.get(SERIES, ""))
    kind = "scan" if roi == WHOLE else roi
    prediction = predictor.predict(subject.image)
    for name, grade, probability, _ in prediction.tables[GRADES]:
        if name in subject.scalars:
            true = int(subject.scalars[str(name)])
            where = (SOURCE, series or kind, str(name))
            yield Comparison("probabilities", true > 0, probability, *where)
            yield Comparison("classes", true, grade, *where)
