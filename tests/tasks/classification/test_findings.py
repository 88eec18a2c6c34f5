"""What is off about grades, by their own answers."""

import numpy as np
import pytest

from deepresolve.tasks.classification import findings
from deepresolve.tasks.grades import Answer, Grade


def grade(*probabilities, name="kl"):
    answers = tuple(
        Answer(f"{name} above {value}", probability, np.array([probability]), None)
        for value, probability in enumerate(probabilities)
    )
    return Grade(name, answers)


def test_a_grade_is_told_with_its_slice():
    section = findings.grades([grade(0.9, 0.6, 0.1), grade(0.25, name="acl")])
    assert section.findings == ()
    assert section.values == {
        "kl": {"name": "kl", "grade": 2, "probability": 0.9, "slice": 0},
        "acl": {"name": "acl", "grade": 0, "probability": 0.25, "slice": 0},
    }


def test_answers_that_contradict_each_other_are_found():
    (found,) = findings.grades([grade(0.4, 0.7), grade(0.7, 0.4, name="acl")]).findings
    assert found.what == "order: kl"
    assert (found.found, found.expected) == ([0.4, 0.7], [0.7, 0.4])
    assert "kl above 0 40%, kl above 1 70%" in found.text


@pytest.mark.parametrize("nearly", [(0.3, 0.4), (0.8, 0.9)])
def test_on_one_side_of_one_half_the_order_says_nothing(nearly):
    assert findings.grades([grade(*nearly)]).findings == ()


def test_a_grade_that_the_mirror_image_does_not_have_is_found():
    grades = [grade(0.8, 0.51), grade(0.2, name="acl")]
    section = findings.mirror_spread(grades, {"kl": [0.7, 0.49], "acl": [0.45]})
    (found,) = section.findings
    assert (found.what, found.found, found.expected) == ("spread: kl", 1, 2)
    assert "kl is 2, and 1 of the mirror image (kl above 1 51% and 49%)" in found.text
    assert section.values["grades"] == {
        "kl": {"kl above 0": [0.8, 0.7], "kl above 1": [0.51, 0.49]},
        "acl": {"acl above 0": [0.2, 0.45]},
    }
