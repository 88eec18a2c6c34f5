"""What a network says of a scan as a whole: grades, and where it looked for each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import ClassVar

import numpy as np

from deepresolve.imaging.volume import Volume


@dataclasses.dataclass(frozen=True, eq=False)
class Answer:
    """A question of yes or no to a whole scan, and what a network says.

    Attributes:
      question: in a few words: "acl above 0".
      probability: of yes, 0 to 1, by the whole scan.
      of_slices: (slices,) the same of each slice alone, along the scan's own slice
        axis.
      look: computes where the network looked: float32 on the scan's own grid, in each
        voxel the probability that it would give a scan that looked everywhere as it
        does there. That takes a moment, so it is done when somebody asks.
    """

    question: str
    probability: float
    of_slices: np.ndarray
    look: Callable[[], Volume]

    @property
    def slice(self) -> int:
        """The slice that says yes most, counted from 0 along the scan's own axis."""
        return int(np.argmax(self.of_slices))


@dataclasses.dataclass(frozen=True, eq=False)
class Grade:
    """What is found of one grade.

    Attributes:
      name: of the grade: "acl".
      answers: whether the grade is above 0, above 1 and so on: one a step.
    """

    # An answer is yes where that is more probable than not.
    THRESHOLD: ClassVar[float] = 0.5

    name: str
    answers: tuple[Answer, ...]

    @property
    def value(self) -> int:
        """How many of its steps are more probable than not (Niu, CVPR 2016)."""
        return sum(answer.probability > self.THRESHOLD for answer in self.answers)

    @property
    def highest(self) -> int:
        """The highest value that there is; the lowest is 0."""
        return len(self.answers)

    @property
    def probability(self) -> float:
        """That the grade is above 0."""
        return self.answers[0].probability

    @property
    def slice(self) -> int:
        """The slice that says most that it is, from 0 along the scan's own axis."""
        return self.answers[0].slice
