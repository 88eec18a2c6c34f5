import dataclasses
import json

import pytest

from deepresolve.reading.study import questions
from deepresolve.reading.study.questions import Question

SCORE = Question("diq", "Quality")
RANK = Question("rank", "Rank", "rank")
REMARK = Question("remarks", "Remarks", "remark", scope="case")


def test_the_default_asks_what_the_paper_had_read():
    names = [question.name for question in questions.DEFAULT]
    assert names[:2] == ["diq", "rank"]
    assert {"sharpness", "contrast", "artefact", "snr", "overall"} < set(names)
    diq = questions.DEFAULT[0]
    # Chaudhari et al.: 1 poor to 5 excellent; rank 3 is best.
    assert (diq.lowest, diq.highest) == (1, 5)
    assert (diq.anchors["1"], diq.anchors["5"]) == ("poor", "excellent")
    assert questions.DEFAULT[1].range(3) == (1, 3)


def test_a_file_gives_the_questions_back(tmp_path):
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(questions.to_json(questions.DEFAULT)))
    assert questions.load(path) == questions.DEFAULT


@pytest.mark.parametrize(
    ("described", "message"),
    [
        ({}, "a list of 1 to 40 questions"),
        ([], "a list of 1 to 40 questions"),
        ([{"name": "a", "title": "A"}] * 41, "a list of 1 to 40 questions"),
        ([1], "question 1: expected an object"),
        ([{"name": "a"}], r"missing fields \['title'\]"),
        ([{"name": "a", "title": "A", "scale": 5}], r"unknown fields \['scale'\]"),
        ([{"name": "A b", "title": "A"}], "lower-case letters"),
        ([{"name": "a", "title": ""}], "title is a text"),
        ([{"name": "a", "title": " "}], "title is a text"),
        ([{"name": "a", "title": "A\u202eB"}], "title is one line without control"),
        (
            [{"name": "a", "title": "A", "anchors": {"5": "\ud800"}}],
            "anchors are texts",
        ),
        ([{"name": "diq", "title": "A", "scope": "case"}], "a score of each image"),
        ([{"name": "rank", "title": "A"}], "a rank of each image"),
        ([{"name": "a", "title": "A", "kind": "mark"}], "kind is one of score"),
        ([{"name": "a", "title": "A", "lowest": 5}], "whole numbers from 0 to 9"),
        ([{"name": "a", "title": "A", "highest": 10}], "whole numbers from 0 to 9"),
        ([{"name": "a", "title": "A", "lowest": True}], "whole numbers from 0 to 9"),
        ([{"name": "a", "title": "A", "anchors": {"6": "b"}}], "named by scores"),
        ([{"name": "a", "title": "A", "ties": True}], "true for a rank alone"),
        ([{"name": "a", "title": "A", "kind": "remark"}], 'the scope "case"'),
        ([{"name": "a", "title": "A"}] * 2, "twice: a"),
        ([{"name": "a", "title": "A", "kind": "remark", "scope": "case"}], "a score"),
    ],
)
def test_a_file_that_makes_no_sense_is_told(tmp_path, described, message):
    path = tmp_path / "questions.json"
    path.write_text(json.dumps(described))
    with pytest.raises(ValueError, match=message) as error:
        questions.load(path)
    assert "questions.json" in str(error.value)


def test_what_is_nested_too_deeply_is_told(tmp_path):
    path = tmp_path / "questions.json"
    path.write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"questions\.json"):
        questions.load(path)


def test_what_is_no_json_is_told(tmp_path):
    path = tmp_path / "questions.json"
    path.write_bytes(b"\xff{")
    with pytest.raises(ValueError, match=r"questions\.json"):
        questions.load(path)


@pytest.mark.parametrize(
    ("question", "value"),
    [(SCORE, "1"), (SCORE, "5"), (SCORE, ""), (RANK, "3"), (REMARK, "fine\nä ☺")],
)
def test_answers_that_make_sense_are_kept_as_they_are(question, value):
    assert question.check(value, 3) == value


@pytest.mark.parametrize(
    ("question", "value"),
    [
        *((SCORE, value) for value in ("0", "6", "03", "3.0", "x", " 3", "-1", "٣")),
        *((SCORE, value) for value in (3, None, [], True)),
        *((RANK, value) for value in ("0", "4", "2.5")),
        *((REMARK, value) for value in ("a\0b", "\x1b[2J", "\ud800", 5)),
    ],
)
def test_other_answers_are_refused(question, value):
    with pytest.raises(ValueError, match=question.name):
        question.check(value, 3)


def test_a_remark_has_an_end():
    REMARK.check("x" * questions.LONGEST_REMARK, 3)
    with pytest.raises(ValueError, match="4000 characters at most; got 4001"):
        REMARK.check("x" * (questions.LONGEST_REMARK + 1), 3)


def test_a_case_is_one_place_and_images_are_many():
    assert list(SCORE.places(3)) == [0, 1, 2]
    of_case = dataclasses.replace(SCORE, name="motion", scope="case")
    assert list(of_case.places(3)) == [-1]
