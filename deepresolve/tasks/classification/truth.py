"""Grades of scans as the numbers that a network is to answer with."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from deepresolve.tasks.classification.settings import ClassificationConfig

# The scalar of a record that says which series of an exam it is.
SERIES = "series"
# The scalar of a record that says which kind of piece of a scan it is; whole scans lack
# it (`ClassificationConfig.regions`).
ROI = "roi"
WHOLE = "none"
Scalars = Mapping[str, float | int | str]


def targets(config: ClassificationConfig, scalars: Scalars) -> np.ndarray:
    """Whether each grade of a scan is above each of its steps.

    Cumulative targets of an ordinal grade: of grade 2 of 0..4 they are 1, 1, 0, 0
    (Frank and Hall, ECML 2001, section 2).

    Args:
      config: the run.
      scalars: of the scan, by name.

    Returns:
      (outputs,) float32: 1, 0, or NaN where the scan has no such grade.

    Raises:
      ValueError: a grade is no whole number, or out of range.
    """
    values = {name: _grade(config, scalars, name) for name in config.grades}
    return np.array(
        [
            math.nan if math.isnan(values[name]) else values[name] > step
            for name, step in config.steps
        ],
        np.float32,
    )


def _grade(config: ClassificationConfig, scalars: Scalars, name: str) -> float:
    value, count = scalars.get(name, math.nan), config.grade_counts[name]
    if isinstance(value, str):
        raise ValueError(f"{name} is the text {value!r}; expected a whole number.")
    if not math.isnan(value) and value not in range(count):
        raise ValueError(
            f"{name} is {value}; expected a whole number from 0 to {count - 1}. Give "
            "--num_grades, or correct the table that the records were made with."
        )
    return value


def class_weights(
    config: ClassificationConfig, scans: Iterable[np.ndarray]
) -> np.ndarray:
    """Weights of no and of yes of each output.

    Balanced: the number of scans over twice those with the answer, which is
    scikit-learn's rule; all scans together weigh as much as without weights.

    Args:
      config: the run.
      scans: `targets` of each training scan.

    Returns:
      (outputs, 2) float32, above 0.

    Raises:
      ValueError: an output is the same of all scans that have it, or none has it.
    """
    known = np.array(list(scans))
    num_yes = np.nansum(known, axis=0)
    num = np.count_nonzero(~np.isnan(known), axis=0)
    for name, yes, of in zip(config.outputs, num_yes, num, strict=True):
        if not 0 < yes < of:
            raise ValueError(
                f"{name} is true of {yes:.0f} of the {of} training scans that have the "
                "grade; expected some of which it is, and some of which it is not. "
                "Convert the scans with another --split, or leave the grade out of "
                "--grades."
            )
    if config.class_weights == "none":
        return np.ones((len(num), 2), np.float32)
    counts = np.stack([num - num_yes, num_yes], axis=-1)
    return (num[:, np.newaxis] / (2 * counts)).astype(np.float32)
