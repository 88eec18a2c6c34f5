"""From tables of predict to a line an exam."""

import csv
import io
import json

import pytest
from scipy import special

from deepresolve.evaluation.combining import new_exams
from deepresolve.evaluation.combining.exams import Input
from deepresolve.evaluation.combining.fitted import Combination, Learned
from deepresolve.metrics.combination import Weights

SAGITTAL, CORONAL = Input("5" * 64, "sagittal"), Input("c" * 64, "coronal")
COMBINATION = Combination(
    (SAGITTAL, CORONAL),
    {
        "acl": Learned(Weights(-0.5, (1.0, 2.0)), (0.5,) * 3, 40, 40),
        "meniscus": Learned(Weights(0.0, (0.5, 0.0)), (0.5,) * 3, 40, 40),
    },
    (),
    (),
)


@pytest.fixture
def graded(tmp_path):
    """Writes what predict writes of scans: a table, and a trust report of each."""

    def write(of, answers, ending=".nii.gz"):
        folder = tmp_path / of.series
        folder.mkdir(exist_ok=True)
        lines = ["scan,label,grade,probability,slice"]
        for scan, labels in answers.items():
            lines += [f"{scan}{ending},{n},0,{p},3" for n, p in labels.items()]
            told = {"provenance": {"model": {"sha256": of.network_sha256}}}
            path = folder / f"{scan}_trust.json"
            path.write_text(json.dumps(told), encoding="utf-8")
        (folder / "grades.csv").write_text("\n".join(lines), encoding="utf-8")
        return str(folder)

    return write


def test_a_line_an_exam(graded):
    both = {"acl": 0.8, "meniscus": 0.3}
    folders = [
        graded(SAGITTAL, {"e1": both, "e2_sagittal": both}),
        graded(CORONAL, {"e1": {"acl": 0.6, "meniscus": 0.9}, "e3": both}),
    ]
    predicted = [
        new_exams.read(folder, of.series, of.network_sha256)
        for folder, of in zip(folders, COMBINATION.inputs, strict=True)
    ]
    text, told = new_exams.to_csv(COMBINATION, predicted)
    rows = {row["exam"]: row for row in csv.DictReader(io.StringIO(text))}
    assert [*rows] == ["e1", "e2", "e3"]
    logit = -0.5 + special.logit(0.8) + 2 * special.logit(0.6)
    assert float(rows["e1"]["acl"]) == pytest.approx(special.expit(logit), abs=1e-6)
    logit = 0.5 * special.logit(0.3)
    assert float(rows["e1"]["meniscus"]) == pytest.approx(special.expit(logit), 1e-5)
    assert rows["e1"]["lacks"] == "" and rows["e2"]["acl"] == ""
    assert rows["e2"]["lacks"] == "acl of coronal; meniscus of coronal"
    assert told[1] == "exam e3 lacks acl of sagittal, meniscus of sagittal"


def test_a_table_of_another_network_is_refused(graded):
    folder = graded(SAGITTAL, {"e1": {"acl": 0.8}})
    with pytest.raises(ValueError, match="another network than that of coronal"):
        new_exams.read(folder, "coronal", CORONAL.network_sha256)


def test_what_does_not_say_its_network_is_refused(graded, tmp_path):
    folder = graded(SAGITTAL, {"e1": {"acl": 0.8}})
    (tmp_path / "sagittal" / "e1_trust.json").unlink()
    with pytest.raises(ValueError, match="does not say which network graded"):
        new_exams.read(folder, *SAGITTAL[::-1])
    with pytest.raises(ValueError, match=r"holds no grades\.csv"):
        new_exams.read(str(tmp_path), *SAGITTAL[::-1])


def test_two_scans_of_an_exam_are_told(graded):
    answers = {"e1_a": {"acl": 0.8}, "e1_b": {"acl": 0.7}}
    folder = graded(SAGITTAL, answers)
    with pytest.raises(ValueError, match="are both of exam e1; expected one scan"):
        new_exams.read(folder, *SAGITTAL[::-1], "{id}_*")


def test_a_cell_that_is_no_probability_is_told(graded):
    folder = graded(SAGITTAL, {"e1": {"acl": 1.5}})
    with pytest.raises(ValueError, match=r"line 2: '1\.5'; expected a probability"):
        new_exams.read(folder, *SAGITTAL[::-1])
