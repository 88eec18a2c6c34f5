"""What of a grading is off, as far as the network itself can tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deepresolve.tasks.findings import Finding, Section, digits
from deepresolve.tasks.grades import Grade


def grades(found: Sequence[Grade]) -> Section:
    """The grades, and which of them contradict themselves.

    A grade above 1 is above 0, so it cannot be more probable that it is: where the
    network says so of two values that are on different sides of one half, its answer
    to one question denies that to another.
    """
    told = {
        grade.name: {
            "name": grade.name,
            "grade": grade.value,
            "probability": digits(grade.probability),
            "slice": grade.slice,
        }
        for grade in found
    }
    return Section(told, tuple(f for grade in found for f in _contradictions(grade)))


def mirror_spread(
    found: Sequence[Grade], of_mirror: Mapping[str, Sequence[float]]
) -> Section:
    """The answers beside those to the mirror image of the scan.

    Args:
      found: of the scan as it is.
      of_mirror: by grade, what each answer's probability is of the mirror image.
    """
    told, findings = {}, []
    for grade in found:
        mirrored = of_mirror[grade.name]
        told[grade.name] = {
            answer.question: [digits(answer.probability), digits(probability)]
            for answer, probability in zip(grade.answers, mirrored, strict=True)
        }
        value = sum(map(_is_yes, mirrored))
        if value != grade.value:
            changed = ", ".join(
                f"{answer.question} {answer.probability:.0%} and {probability:.0%}"
                for answer, probability in zip(grade.answers, mirrored, strict=True)
                if _is_yes(answer.probability) != _is_yes(probability)
            )
            text = (
                f"{grade.name} is {grade.value}, and {value} of the mirror image "
                f"({changed}): the network is unsure."
            )
            findings.append(Finding(f"spread: {grade.name}", value, grade.value, text))
    values = {
        "measured": True,
        "over": "2 passes: as it is, and columns reversed",
        "grades": told,
    }
    return Section(values, tuple(findings))


def _contradictions(grade: Grade) -> list[Finding]:
    yes = [_is_yes(answer.probability) for answer in grade.answers]
    if yes == sorted(yes, reverse=True):
        return []
    said = [digits(answer.probability) for answer in grade.answers]
    listed = ", ".join(
        f"{answer.question} {answer.probability:.0%}" for answer in grade.answers
    )
    text = f"the answers to {grade.name} contradict each other: {listed}."
    return [Finding(f"order: {grade.name}", said, sorted(said, reverse=True), text)]


def _is_yes(probability: float) -> bool:
    return probability > Grade.THRESHOLD
