"""DeLong's tests of answers about the same scans."""

import dataclasses

import numpy as np
import pytest

from deepresolve.evaluation.detection import comparison, measures
from deepresolve.evaluation.detection.section import Section
from deepresolve.metrics import roc
from deepresolve.reports import markdown


def beside(made, source="benchmark", seed=1, **changes):
    """What one network answered, and another one about the same scans."""
    others = [
        dataclasses.replace(one, source=source, **changes) for one in made(seed=seed)
    ]
    return [*made(), *others]


def test_two_sources_are_tested_by_people(made):
    found = measures.answers(beside(made))
    (row,) = comparison.area_tests(found, "benchmark")
    first, second = found.values()
    assert first.people[:2] == ("knee-0", "knee-0")
    assert (row["a"], row["b"]) == ("grades, sagittal", "benchmark, sagittal")
    scores = first.probability, second.probability
    expected = roc.area_test(first.reference, *scores, first.people)
    assert [row[key] for key in ("difference", "low", "high", "p")] == [*expected]
    assert row["n"] == 60 and row["p_holm"] == row["p"]


def test_several_tests_are_corrected_together(made):
    three = [
        dataclasses.replace(one, source="combined", image_set="exam")
        for one in made(seed=2)
    ]
    rows = comparison.area_tests(
        measures.answers([*three, *beside(made, "grades", image_set="coronal")]),
        "combined",
    )
    assert [row["b"] for row in rows] == ["grades, sagittal", "grades, coronal"]
    low, high = sorted(rows, key=lambda row: row["p"])
    assert low["p_holm"] == pytest.approx(min(1, 2 * low["p"]))
    assert high["p_holm"] >= low["p_holm"]


@pytest.mark.parametrize(
    "changes", [{"label_class": "meniscus"}, {"subject": "someone"}]
)
def test_other_questions_and_other_scans_are_not_compared(made, changes):
    found = measures.answers(beside(made, **changes))
    assert comparison.area_tests(found, "benchmark") == []


def test_without_a_source_that_is_asked_for_there_is_no_test(made):
    assert comparison.area_tests(measures.answers(beside(made)), "") == []


def test_of_one_person_no_variance_is_told(made):
    """Two scans that have it, of one person."""
    kept = [
        one for one in beside(made) if one.reference == 0 or one.subject < "knee-12"
    ]
    few = [
        dataclasses.replace(one, person="ann" if one.reference else one.person)
        for one in kept
    ]
    found = measures.answers(few)
    assert np.sum(next(iter(found.values())).reference) > 1
    assert comparison.area_tests(found, "benchmark") == []


def test_a_report_has_the_table(made):
    section = Section.of(beside(made), {}, tested="benchmark")
    text = markdown.render(section.blocks())
    (row,) = section.tests
    assert f" {row['difference']:+.3f} " in text
    assert "as Obuchowski has it for several scans of one person" in text
    alone = [dataclasses.replace(one, person=one.subject) for one in beside(made)]
    text = markdown.render(Section.of(alone, {}, tested="benchmark").blocks())
    assert "Obuchowski" not in text
    assert section.rows()["detection_tests"][0]["name"] == "acl"
