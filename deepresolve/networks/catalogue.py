"""Networks and losses by the names that a config has: each task has a table of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from deepresolve.config import Config
from deepresolve.config.tasks import TASKS, part
from deepresolve.networks.model import Model


def find_model(config: Config) -> Model:
    """The architecture that `config.model` names.

    Raises:
      ValueError: the task has no network of that name.
    """
    return _find("model", "MODELS", config.task, config.model)


def build_model(config: Config, precision: str = "float32") -> keras.Model:
    """The network that `config.model` names, with fresh weights.

    Args:
      config: the run.
      precision: Keras dtype policy.

    Raises:
      ValueError: the task has no network of that name.
    """
    return find_model(config).build(config, precision)


def build_loss(config: Config) -> keras.losses.Loss:
    """The loss that `config.loss` names.

    Raises:
      ValueError: the task has no loss of that name.
    """
    return _find("loss", "LOSSES", config.task, config.loss)()


def _find(kind: str, table: str, task: str, name: str) -> Any:
    known = _table(task, table)
    if name in known:
        return known[name]
    owners = [other for other in TASKS if name in _table(other, table)]
    problem = (
        f"The {kind} {name!r} is for task={owners[0]}, this run for task={task}"
        if owners
        else f"Unknown {kind} {name!r} for task={task}"
    )
    raise ValueError(f"{problem}; known: {sorted(known)}.")


def _table(task: str, name: str) -> Mapping[str, Any]:
    return getattr(part(task, "models"), name)
