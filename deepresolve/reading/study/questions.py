"""What readers are asked, and which answers make sense.

Questions come from a JSON file: a list of objects with the fields of `Question`.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from deepresolve.reading.study.answers import WHOLE_CASE
from deepresolve.system import tables

KINDS = ("score", "rank", "remark")
SCOPES = ("image", "case")

# Of a remark, in characters.
LONGEST_REMARK = 4000
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_LONGEST_TITLE = 200
# A score is one key on the keyboard.
_LOWEST, _HIGHEST = 0, 9
_LONGEST_ANCHOR = 60
_MOST_QUESTIONS = 40
# Of an answer, what no keyboard types: control characters, line ends of other systems,
# marks that turn the direction of writing, halves of characters.
_UNTYPED = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_CONTROL = re.compile(f"[{_UNTYPED}]")
# What fills the rows of Table 1.
_PAPER_KINDS = {"diq": "score", "rank": "rank"}


@dataclasses.dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
      name: short and unique: lower-case letters, digits and underscores.
      title: as readers see it.
      kind: "score", "rank" (1 to the number of images, the highest is best) or
        "remark" (free text, may stay empty).
      lowest: the lowest score.
      highest: the highest one.
      anchors: what scores mean, by their text: {"1": "poor", "5": "excellent"}.
      scope: "image", asked of each, or "case", asked once; a rank is of images, a
        remark of the case.
      ties: whether two images may share a rank.

    Raises:
      ValueError: a field is out of its range.
    """

    name: str
    title: str
    kind: str = "score"
    lowest: int = 1
    highest: int = 5
    anchors: Mapping[str, str] = dataclasses.field(default_factory=dict)
    scope: str = "image"
    ties: bool = False

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and _NAME.fullmatch(self.name)):
            raise ValueError(
                f"A question's name is lower-case letters, digits and underscores, 40 "
                f"at most; got {self.name!r}."
            )
        if problem := self._problem():
            raise ValueError(f"Question {self.name!r}: {problem}.")

    def _problem(self) -> str | None:
        if problem := problem_of_title(self.title):
            return problem
        if self.kind not in KINDS:
            return f"kind is one of {', '.join(KINDS)}; got {self.kind!r}"
        if self.scope not in SCOPES:
            return f"scope is one of {', '.join(SCOPES)}; got {self.scope!r}"
        if self.kind == "rank" and self.scope != "image":
            return 'a rank has the scope "image"'
        if self.kind == "remark" and self.scope != "case":
            return 'a remark has the scope "case"'
        paper_kind = _PAPER_KINDS.get(self.name, self.kind)
        if self.name in _PAPER_KINDS and (self.kind, self.scope) != (
            paper_kind,
            "image",
        ):
            return (
                f"the row of Table 1 of that name is a {paper_kind} of each image; "
                "choose another name"
            )
        if not isinstance(self.ties, bool) or (self.ties and self.kind != "rank"):
            return "ties is true or false, and true for a rank alone"
        return self._problem_of_range()

    def _problem_of_range(self) -> str | None:
        bounds = (self.lowest, self.highest)
        if not all(type(bound) is int for bound in bounds) or not (
            _LOWEST <= self.lowest < self.highest <= _HIGHEST
        ):
            return (
                f"lowest and highest are whole numbers from {_LOWEST} to {_HIGHEST}, "
                f"the lowest first; got {self.lowest!r} and {self.highest!r}"
            )
        if not isinstance(self.anchors, Mapping) or any(
            _problem_of_text(text, _LONGEST_ANCHOR) for text in self.anchors.values()
        ):
            return (
                f"anchors are texts of 1 to {_LONGEST_ANCHOR} characters by score, "
                "without control characters"
            )
        stray = set(self.anchors) - {str(n) for n in range(bounds[0], bounds[1] + 1)}
        if stray and self.kind == "score":
            return f"anchors are named by scores; got {sorted(stray)}"
        return None

    @property
    def required(self) -> bool:
        """Whether a case can be locked only once it is answered."""
        return self.kind != "remark"

    def places(self, num_images: int) -> range:
        """Places that are asked about."""
        if self.scope == "case":
            return range(WHOLE_CASE, WHOLE_CASE + 1)
        return range(num_images)

    def check(self, value: object, num_images: int) -> str:
        """The answer as it is stored.

        Args:
          value: text; "" takes an answer back.
          num_images: how many images are side by side.

        Raises:
          ValueError: it is no answer to this question.
        """
        if not isinstance(value, str):
            raise ValueError(f"{self.name}: an answer is a text; got {value!r:.80}.")
        if self.kind == "remark":
            return self._check_remark(value)
        lowest, highest = self.range(num_images)
        if value and value not in map(str, range(lowest, highest + 1)):
            raise ValueError(
                f"{self.name}: expected a whole number from {lowest} to {highest}; got "
                f"{value!r:.80}."
            )
        return value

    def range(self, num_images: int) -> tuple[int, int]:
        """The lowest and the highest score or rank."""
        return (1, num_images) if self.kind == "rank" else (self.lowest, self.highest)

    def _check_remark(self, value: str) -> str:
        if len(value) > LONGEST_REMARK:
            raise ValueError(
                f"{self.name}: a remark has {LONGEST_REMARK} characters at most; got "
                f"{len(value)}. Shorten it."
            )
        if _CONTROL.search(value):
            raise ValueError(f"{self.name}: a remark holds no control characters.")
        return value


def problem_of_title(title: object) -> str | None:
    """What is wrong with a title; None where nothing is."""
    problem = _problem_of_text(title, _LONGEST_TITLE)
    return problem and f"title {problem}"


def _problem_of_text(text: object, longest: int) -> str | None:
    if not isinstance(text, str) or not 0 < len(text.strip()) <= len(text) <= longest:
        return f"is a text of 1 to {longest} characters"
    if _CONTROL.search(text) or "\n" in text:
        return "is one line without control characters"
    return None


_QUALITY = {"1": "poor", "2": "fair", "3": "moderate", "4": "good", "5": "excellent"}
_ARTEFACTS = {"1": "severe", "3": "moderate", "5": "none"}

# Diagnostic image quality and rank are those of Chaudhari et al., Table 1; the others
# are what the paper of the super-resolution method had scored.
DEFAULT = (
    Question("diq", "Diagnostic image quality", anchors=_QUALITY),
    Question("rank", "Rank (highest is best)", "rank"),
    Question("sharpness", "Sharpness", anchors=_QUALITY),
    Question("contrast", "Contrast", anchors=_QUALITY),
    Question("artefact", "Artefacts (5: none)", anchors=_ARTEFACTS),
    Question("snr", "Signal-to-noise", anchors=_QUALITY),
    Question("overall", "Overall quality", anchors=_QUALITY),
    Question("remarks", "Remarks", "remark", scope="case"),
)


def load(path: pathlib.Path) -> tuple[Question, ...]:
    """Reads the questions of a JSON file.

    Raises:
      FileNotFoundError: there is none.
      ValueError: it holds something else; the message names the file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file of questions.")
    try:
        return from_json(json.loads(tables.read_text(path)))
    # JSON's and UTF-8's errors are ValueErrors, too.
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error


def from_json(described: Any) -> tuple[Question, ...]:
    """Questions from a list of dicts, as `to_json` gives it.

    Raises:
      ValueError: an unknown or missing field, a bad value, a name that occurs twice, or
        nothing but remarks.
    """
    if not isinstance(described, list) or not 0 < len(described) <= _MOST_QUESTIONS:
        raise ValueError(f"expected a list of 1 to {_MOST_QUESTIONS} questions.")
    questions = tuple(
        _question(number, fields) for number, fields in enumerate(described, 1)
    )
    names = [question.name for question in questions]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"every question has its own name; twice: {', '.join(twice)}.")
    if not any(question.required for question in questions):
        raise ValueError("expected a score or a rank among the questions.")
    return questions


def to_json(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """The questions as dicts for JSON."""
    return [dataclasses.asdict(question) for question in questions]


def _question(number: int, fields: Any) -> Question:
    known = {field.name for field in dataclasses.fields(Question)}
    if not isinstance(fields, dict):
        raise ValueError(f"question {number}: expected an object with {sorted(known)}.")
    unknown, missing = set(fields) - known, {"name", "title"} - set(fields)
    if unknown or missing:
        raise ValueError(
            f"question {number}: unknown fields {sorted(unknown)}, missing fields "
            f"{sorted(missing)}; the fields are {sorted(known)}."
        )
    return Question(**fields)
