"""Scans of one exam find each other, or it is said why not."""

import dataclasses

import numpy as np
import pytest

from deepresolve.evaluation.combining import exams


@pytest.mark.parametrize(
    ("scan", "series", "exam"),
    [
        ("0001_sagittal", "sagittal", "0001"),
        ("Sagittal-0001", "sagittal", "0001"),
        ("p01_sagittal_left", "sagittal", "p01_left"),
        ("0001", "sagittal", "0001"),
        ("sagittal", "sagittal", "sagittal"),
        # No word of its own.
        ("parasagittal_7", "sagittal", "parasagittal_7"),
    ],
)
def test_an_exam_is_the_name_without_that_of_its_series(scan, series, exam):
    assert exams.exam_of(scan, series) == exam


def test_a_pattern_says_what_an_exam_is():
    assert exams.exam_of("p01_left_s3", "scan", "{id}_*") == "p01_left"
    assert exams.exam_of("s3.p01", "scan", "s*.{id}") == "p01"
    with pytest.raises(ValueError, match=r"'p01' does not match --exam=\{id\}_\*"):
        exams.exam_of("p01", "scan", "{id}_*")
    with pytest.raises(ValueError, match=r"expected \{id\} once"):
        exams.exam_of("p01", "scan", "*_*")


def test_exams_that_all_planes_answer_are_kept_and_others_told(planes, rows, report):
    folders = planes("valid")[:2]
    folders.append(report("few", rows("axial", without=("0003", "0010"))))
    answered = exams.read(folders)
    assert exams.names([*answered]) == ("sagittal", "coronal", "axial")
    found = exams.complete("acl", answered)
    assert found.lacking == {"0003": ("axial",), "0010": ("axial",)}
    assert len(found.exams) == 78 and "0003" not in found.exams
    assert found.people == found.exams
    # The truth of the rows is whether the exam's number is odd.
    assert found.reference.tolist() == [int(exam) % 2 == 1 for exam in found.exams]
    at = found.exams.index("0007")
    expected = [
        one.estimate
        for series in ("sagittal", "coronal", "axial")
        for one in rows(series)
        if one.person == "0007" and one.kind == "probabilities"
    ]
    np.testing.assert_array_equal(found.probabilities[at], expected)


def test_a_network_of_several_series_is_several_inputs(rows, report):
    both = [*rows("sagittal"), *rows("coronal")]
    answered = exams.read(
        [report("all", both), report("more", rows("coronal"), "0" * 64)]
    )
    assert exams.names([*answered]) == (
        *("sagittal", "coronal (ssssssss)", "coronal (00000000)"),
    )


def test_a_benchmark_is_no_input(rows, report):
    other = [dataclasses.replace(one, source="benchmark") for one in rows("sagittal")]
    (found,) = exams.read([report("both", [*rows("sagittal"), *other])])
    assert found.series == "sagittal"


def test_each_question_by_itself(planes, rows, report):
    answered = exams.read(planes("valid", questions=("acl", "meniscus")))
    assert exams.questions(answered) == ["acl", "meniscus"]
    truth = exams.complete("meniscus", answered).reference
    assert truth[:5].tolist() == [False, False, True, True, False]
    alone = exams.read([report("one", rows("axial"), "0" * 64)])
    with pytest.raises(ValueError, match="axial has no answer to meniscus"):
        exams.complete("meniscus", alone)
    assert exams.read([report("two", rows("axial"))], grades=["acl"])
    with pytest.raises(ValueError, match="has no probabilities of what is to be"):
        exams.read([report("three", rows("axial"))], grades=["kl"])


def test_scans_that_do_not_find_each_other_are_told(rows, report):
    folders = [report("a", rows("sagittal"))]
    folders.append(report("b", rows("coronal", name="{exam}-second-{series}")))
    answered = exams.read(folders)
    with pytest.raises(ValueError, match="coronal has 80 exams, such as 0000-second"):
        exams.complete("acl", answered)
    assert exams.complete("acl", exams.read([folders[0]])).exams[0] == "0000"


def test_two_scans_of_an_exam_are_told(rows, report):
    twice = [*rows("sagittal"), *rows("sagittal", name="{exam} {series}")]
    with pytest.raises(ValueError, match="0000_sagittal and 0000 sagittal are both"):
        exams.read([report("twice", twice)])


def test_truths_that_contradict_each_other_are_told(rows, report):
    other = [
        dataclasses.replace(one, reference=1 - one.reference) for one in rows("coronal")
    ]
    answered = exams.read([report("a", rows("sagittal")), report("b", other)])
    with pytest.raises(ValueError, match="exam 0000 contradict each other"):
        exams.complete("acl", answered)


def test_grades_of_more_than_two_values_are_refused(rows, report):
    kl = [
        dataclasses.replace(one, reference=3.0) if one.kind == "classes" else one
        for one in rows("sagittal", questions=("kl",))
    ]
    with pytest.raises(ValueError, match="kl is a grade of more than two values"):
        exams.read([report("kl", kl)])
    both = [*kl, *rows("sagittal")]
    assert exams.read([report("both", both)], grades=["acl"])


def test_other_reports_do_not_do(rows, report, tmp_path):
    with pytest.raises(ValueError, match="does not say of which network"):
        exams.read([str(tmp_path)])
    first = report("a", rows("sagittal"))
    with pytest.raises(ValueError, match="second report of the same network and ser"):
        exams.read([first, report("b", rows("sagittal"))])
    answered = exams.read([first, report("c", rows("coronal"))])
    turned = [*answered][::-1]
    assert [*exams.in_order(answered, turned)] == turned
    with pytest.raises(ValueError, match=r"sagittal \(ssssssss\); the reports are of"):
        exams.in_order(answered, turned[1:])
