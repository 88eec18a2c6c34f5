"""Table and figures of what was detected."""

import dataclasses
import io

import pytest
from PIL import Image

from deepresolve.evaluation.detection.measures import Question
from deepresolve.evaluation.detection.section import FIGURES, Section
from deepresolve.reports import markdown

ACL = Question("grades", "sagittal", "acl")


def text_of(section):
    return markdown.render(section.blocks())


def test_a_table_says_what_the_answers_are_worth(made):
    section = Section.of(made(), {ACL: 0.4}, "validation")
    text = text_of(section)
    area = section.detections[ACL].area
    value, low, high = (f"{n:.3f}" for n in area)
    assert f" {value} ({low} to {high})" in text
    assert "chosen on other people's scans, in the report of validation." in text
    assert "0.400" in text


def test_who_chose_no_threshold_is_told_how(made):
    text = text_of(Section.of(made(), {}))
    assert "give that report as --thresholds" in text
    assert "n/a" in text


def test_nothing_detected_is_nothing_said():
    section = Section.of((), {})
    assert section.blocks() == [] and section.pictures() == []
    assert section.draw() == {}


@pytest.mark.parametrize("thresholds", [{}, {ACL: 0.4}])
def test_figures_are_those_of_the_page(made, thresholds):
    section = Section.of(made(), thresholds)
    drawn = section.draw()
    assert tuple(drawn) == FIGURES == tuple(p.file for p in section.pictures())
    for png in drawn.values():
        assert Image.open(io.BytesIO(png)).size[0] > 200


def test_of_one_side_alone_there_is_no_curve(made):
    section = Section.of([c for c in made() if c.reference == 1], {})
    assert [*section.draw()] == ["reliability.png"]


@pytest.mark.parametrize("count", [20, 26, 50, 56])
def test_who_is_right_about_everybody_has_figures(made, count):
    right = [
        dataclasses.replace(c, estimate=c.reference, person=c.subject)
        for c in made(count)
        if c.kind == "probabilities"
    ]
    section = Section.of(right, {ACL: 0.5}, "validation")
    found = section.detections[ACL]
    assert found.sensitivity.high == found.specificity.high == 1.0
    assert tuple(section.draw()) == FIGURES
