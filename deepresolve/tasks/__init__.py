"""What networks learn, a folder each; `deepresolve.config.tasks.TASKS` names them.

Adding a task touches no other folder. The engines below (pipeline, training,
inference) are handed what they need of it; scripts and rooms above find it by a config.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from deepresolve.config.tasks import part

if TYPE_CHECKING:  # it brings TensorFlow along, and settings are looked up without
    from deepresolve.training.trainable import Trainable


def find(name: str) -> Trainable:
    """What a training asks of the task of that name.

    Raises:
      ValueError: there is none; the known ones are listed.
    """
    return part(name, "task").TASK
