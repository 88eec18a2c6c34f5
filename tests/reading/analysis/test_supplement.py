"""What a reader study adds to the report of an evaluation."""

import numpy as np
import pytest

from deepresolve.evaluation.supplement import Scale
from deepresolve.reading.analysis.scores import ReaderScores
from deepresolve.reading.analysis.supplement import check_belongs, supplement
from deepresolve.reports import markdown

SETS = ("ground_truth", "sr", "tci")
FACTS = {"readers": "ann, bob", "presentations": "14 of 16 locked"}
PEOPLE = {f"knee-{n}": f"person-{n // 2}" for n in range(8)}


def read(num_cases=8):
    """SR two above TCI in every case; the ground truth is SR but for one case."""
    base = 1 + np.arange(num_cases) % 2
    truth = base + 2 + (np.arange(num_cases) == 0)
    given = {"ground_truth": truth, "sr": base + 2, "tci": base}
    values = {
        ("diq", name): {f"knee-{n}": float(v) for n, v in enumerate(given[name])}
        for name in SETS
    }
    questions = (Scale("diq", "Diagnostic image quality", 1, 5),)
    return ReaderScores(questions, SETS, values, FACTS)


def text_of(found):
    return markdown.render(supplement(found, PEOPLE).blocks)


def test_every_score_is_a_measurement_of_a_subject_and_person():
    found = supplement(read(), PEOPLE)
    assert len(found.measurements) == 8 * 3
    one = next(
        m for m in found.measurements if (m.subject, m.image_set) == ("knee-3", "sr")
    )
    assert (one.person, one.source, one.metric) == ("person-1", "readers", "diq")
    assert (one.label_class, one.value) == (None, 4.0)
    assert found.scales["diq"].highest == 5


def test_its_section_tells_of_the_readers():
    text = text_of(read())
    assert "Read blinded: 8 of the 8 scans, of 4 people." in text
    assert "- presentations: 14 of 16 locked" in text
    assert "not independent" in text
    assert "3.50 ± 0.53 †" in text
    families = {test["family"] for test in supplement(read(), PEOPLE).tests}
    assert families >= {"readers, sr against tci"}


def test_cases_that_were_not_read_are_told():
    assert "Read blinded: 5 of the 8 scans, of 3 people." in text_of(read(5))


@pytest.mark.parametrize("num_cases", [1, 4])
def test_too_few_cases_are_told(num_cases):
    text = text_of(read(num_cases))
    assert "Too few cases for a mark (readers, sr against tci)" in text
    assert "nan" not in text


def test_a_study_of_other_scans_is_refused():
    check_belongs(read(2), ["knee-0", "knee-1", "knee-2"], "test", SETS)
    with pytest.raises(
        ValueError, match=r"1 of its 2 cases, the first 'knee-1', .*1 test subjects"
    ):
        check_belongs(read(2), ["knee-0"], "test", SETS)


def test_a_study_of_other_image_sets_is_refused():
    with pytest.raises(ValueError, match="makes no sr, tci"):
        check_belongs(read(2), ["knee-0", "knee-1"], "test", ("ground_truth",))
