"""What a task is to the rest of the house."""

from __future__ import annotations

from deepresolve.training.trainable import Trainable


class Task(Trainable):
    """Everything that one task is. What differs between tasks is asked of it alone."""
