"""The tasks by name. A new one is a folder, and a line in `TASKS`.

A task's folder is a package with modules that are imported when they are asked for:

    settings    SETTINGS, the task's subclass of `Config`; imports nothing heavy
    models      MODELS and LOSSES by name; imports Keras, and not TensorFlow
    task        TASK, what a training asks: a `deepresolve.training.trainable.Trainable`
    options     `Options`, what may be chosen for a prediction; imports nothing heavy
    predictor   `load(run, options)`, a network that is ready for scans
                (`deepresolve.tasks.prediction`); and `choose_dtype(alone=...)`
    servable    `servable(run, options)`, what a server can be asked
                (`deepresolve.tasks.servable`)
    measuring   `comparisons(run, predictor, subject, label_names)`, what an evaluation
                measures of a held-out subject (`deepresolve.tasks.held_out`), one of
                those that `TASK.only` leaves: an iterable of
                `deepresolve.metrics.comparison.Comparison`
"""

from __future__ import annotations

import importlib
from typing import Any

TASKS = {
    "classification": "deepresolve.tasks.classification",
    "segmentation": "deepresolve.tasks.segmentation",
    "super_resolution": "deepresolve.tasks.super_resolution",
}

# What a config.json is for that was written before there were several.
FIRST = "super_resolution"


def part(name: str, module: str) -> Any:
    """A module of a task's folder.

    Args:
      name: of the task.
      module: of its folder.

    Raises:
      ValueError: there is no such task.
    """
    if name not in TASKS:
        raise ValueError(f"Unknown task {name!r}; known: {sorted(TASKS)}.")
    return importlib.import_module(f"{TASKS[name]}.{module}")


def settings(name: str) -> Any:
    """The task's subclass of `Config`.

    Raises:
      ValueError: there is no such task.
    """
    return part(name, "settings").SETTINGS
