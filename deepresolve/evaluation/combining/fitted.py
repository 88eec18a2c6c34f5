"""A combination that was learned: its weights, kept in a file."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from deepresolve.evaluation.combining import exams
from deepresolve.evaluation.combining.exams import Exams, Input
from deepresolve.metrics import combination, roc
from deepresolve.metrics.combination import Weights
from deepresolve.reports import writing

FILE = "combination.json"
_VERSION = 1


class Learned(NamedTuple):
    """What was learned of one question.

    Attributes:
      weights: of the logits of the inputs.
      thresholds: Youden's, on the exams that it was learned on: of the combination,
        then of each input.
      num_with: exams of these that have what is looked for.
      num_without: exams that have it not.
    """

    weights: Weights
    thresholds: tuple[float, ...]
    num_with: int
    num_without: int


@dataclasses.dataclass(frozen=True)
class Combination:
    """Weights of the same inputs for each question.

    Attributes:
      inputs: in the order of the slopes.
      questions: what was learned, by question.
      people: whom it was learned on, in order.
      learned_from: the reports.
    """

    inputs: tuple[Input, ...]
    questions: Mapping[str, Learned]
    people: tuple[str, ...]
    learned_from: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What the inputs are called."""
        return exams.names(self.inputs)

    def to_json(self) -> str:
        """The content of `FILE`."""
        content = {
            "version": _VERSION,
            "inputs": [of._asdict() for of in self.inputs],
            "questions": {
                name: of._asdict() | {"weights": of.weights._asdict()}
                for name, of in self.questions.items()
            },
            "people": self.people,
            "learned_from": self.learned_from,
        }
        return writing.strict_json(content)


def learn(
    inputs: tuple[Input, ...],
    questions: Mapping[str, Exams],
    learned_from: tuple[str, ...],
) -> Combination:
    """Learns how much each input counts, each question by itself.

    Args:
      inputs: two or more.
      questions: exams that all of them have an answer about.
      learned_from: the reports.

    Raises:
      ValueError: there is one input alone; or all exams have what is asked for, or
        none has.
    """
    if len(inputs) < 2:
        raise ValueError(
            f"There is one input alone ({', '.join(exams.names(inputs))}), and nothing "
            "to combine. Name reports of several networks or series, with commas."
        )
    learned = {}
    for name, of in questions.items():
        try:
            learned[name] = _learned(of)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    everybody = {person for of in questions.values() for person in of.people}
    return Combination(inputs, learned, tuple(sorted(everybody)), learned_from)


def _learned(of: Exams) -> Learned:
    weights = combination.fit(of.reference, of.probabilities)
    answers = combination.combined(of.probabilities, weights), *of.probabilities.T
    return Learned(
        weights,
        tuple(roc.youden_threshold(of.reference, one) for one in answers),
        int(of.reference.sum()),
        int((~of.reference).sum()),
    )


def chosen(combination: Combination, grades: Collection[str]) -> Combination:
    """A combination of some questions.

    Args:
      combination: what was learned.
      grades: the questions that are wanted; none: all.

    Raises:
      ValueError: it has not learned one of them.
    """
    if unknown := [name for name in grades if name not in combination.questions]:
        raise ValueError(
            f"--grades={','.join(grades)}: the combination knows "
            f"{', '.join(combination.questions)}, and not {', '.join(unknown)}."
        )
    kept = {
        name: of
        for name, of in combination.questions.items()
        if not grades or name in grades
    }
    return dataclasses.replace(combination, questions=kept)


def load(path: str | os.PathLike[str]) -> Combination:
    """The combination that `to_json` wrote.

    Raises:
      OSError: it cannot be read.
      ValueError: it is no such file.
    """
    text = pathlib.Path(path).read_text(encoding="utf-8")
    try:
        return _parsed(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path} is no combination ({error!r}). Expected the {FILE} that "
            "deepresolve combine --fit=... wrote; write it again."
        ) from error


def _parsed(content: Any) -> Combination:
    if content["version"] != _VERSION:
        raise ValueError(f"version {content['version']}; expected {_VERSION}")
    inputs = tuple(Input(**of) for of in content["inputs"])
    questions = {}
    for name, of in content["questions"].items():
        kept = of["weights"]
        weights = Weights(float(kept["intercept"]), tuple(map(float, kept["slopes"])))
        if len(weights.slopes) != len(inputs):
            raise ValueError(f"{name} has {len(weights.slopes)} slopes")
        thresholds = tuple(map(float, of["thresholds"]))
        counts = int(of["num_with"]), int(of["num_without"])
        questions[name] = Learned(weights, thresholds, *counts)
    people, learned_from = (
        tuple(map(str, content[key])) for key in ("people", "learned_from")
    )
    return Combination(inputs, questions, people, learned_from)
