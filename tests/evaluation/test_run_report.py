import json
import re

import pytest

from deepresolve.evaluation import run_report, subjects_csv
from deepresolve.evaluation.detection.section import Section
from deepresolve.evaluation.measuring import Evaluation
from deepresolve.evaluation.results import (
    CohortMeasurement,
    Compared,
    EvaluatedSubject,
    Measurement,
)
from deepresolve.reports import markdown

NOTHING = Section.of((), {})
PROVENANCE = {"records": "shards", "split": "test"}
SUBJECTS = tuple(
    EvaluatedSubject(f"knee-{n}", "ann", (8, 8, 8), (0.5, 0.5, 1.0)) for n in range(2)
)


def numbers(metric, image_set, values, label_class=None):
    return [
        Measurement(s.subject, s.person, "net", image_set, metric, label_class, value)
        for s, value in zip(SUBJECTS, values, strict=True)
    ]


@pytest.fixture(scope="module")
def evaluation():
    measurements = (
        *numbers("ssim", "thin", (0.5, 0.7)),
        *numbers("ssim", "thick", (0.4, 0.4)),
        *numbers("dsc", "thin", (0.8, 0.9), "femur"),
    )
    cohort = (
        CohortMeasurement("net", "thin", "bias", "femur", -12.3456789, 2, "mm³"),
        CohortMeasurement("net", "thin", "accuracy", None, 0.75, 2),
        CohortMeasurement("net", "thin", "upper_limit", "femur", float("nan"), 1, "mm"),
    )
    return Evaluation(SUBJECTS, measurements, cohort)


def cells(text, title):
    (line,) = re.findall(rf"^\| {re.escape(title)} +\|(.*)\|$", text, re.MULTILINE)
    return [cell.strip() for cell in line.split("|")]


def test_tables_hold_mean_and_deviation_and_numbers_of_the_cohort(evaluation):
    text = markdown.render(run_report.summary(evaluation, NOTHING))
    # Of 0.5 and 0.7 the sample standard deviation is 0.1 times the root of 2.
    assert cells(text, "SSIM (x100)") == ["", "net", "60.00 ± 14.14", "40.00 ± 0.00"]
    assert cells(text, "DSC (%)") == ["femur", "net", "85.00 ± 7.07", "n/a"]
    assert cells(text, "Bias (mm³)") == ["femur", "net", "thin", "2", "-12.35"]
    assert cells(text, "Accuracy (%)") == ["", "net", "thin", "2", "75.00"]
    assert cells(text, "Upper limit of agreement (mm)")[-1] == "n/a"


def test_a_table_without_numbers_is_left_out(evaluation):
    of_cohort = Evaluation(SUBJECTS, (), evaluation.cohort)
    text = markdown.render(run_report.summary(of_cohort, NOTHING))
    assert "## Cohort" in text
    assert "## Subjects" not in text
    of_subjects = Evaluation(SUBJECTS, evaluation.measurements, ())
    assert "## Cohort" not in markdown.render(run_report.summary(of_subjects, NOTHING))


def test_json_is_strict_and_holds_plain_numbers(evaluation):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    text = run_report.to_json(evaluation, NOTHING, PROVENANCE)
    content = json.loads(text, parse_constant=refuse)
    assert content["rows"][0] == {
        **{"image_set": "thin", "metric": "ssim", "class": None, "mean": 0.6},
        **{"sd": pytest.approx(0.02**0.5, abs=1e-5), "n": 2, "network": "net"},
    }
    assert content["cohort"][0] == {
        **{"image_set": "thin", "metric": "bias", "class": "femur", "value": -12.3457},
        **{"unit_of_values": "mm³", "n": 2, "network": "net"},
    }
    assert content["cohort"][2]["value"] is None
    assert set(content["metrics"]) == {"ssim", "dsc", "bias", "accuracy", "upper_limit"}
    assert content["provenance"] == PROVENANCE
    assert [s["subject"] for s in content["subjects"]] == ["knee-0", "knee-1"]


def test_all_files_are_written_and_those_of_the_progress_go(evaluation, tmp_path):
    progress = subjects_csv.Progress(tmp_path)
    progress.add(evaluation.measurements)
    paths = run_report.save(tmp_path, evaluation, NOTHING, PROVENANCE)
    names = ["report.html", "report.json", "report.md", "subjects.csv"]
    assert sorted(path.name for path in paths) == names
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for name in ("report.html", "report.md"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        for shown in ("2 scans of 1 people", "60.00 ± 14.14", "-12.35", "shards"):
            assert shown in text
    lines = (tmp_path / "subjects.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1 + len(evaluation.measurements)


def test_what_was_detected_has_figures_and_what_they_rest_on(evaluation, tmp_path):
    compared = tuple(
        Compared(f"s{n}", f"p{n}", "net", "thin", "probabilities", "acl", n % 2, score)
        for n, score in enumerate((0.1, 0.7, 0.4, 0.3))
    )
    found = evaluation._replace(compared=compared)
    detection = Section.of(compared, {})
    paths = run_report.save(tmp_path, found, detection, PROVENANCE)
    names = {path.name for path in paths}
    assert {
        "compared.csv",
        "roc.png",
        "reliability.png",
        "precision_recall.png",
    } < names
    content = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (row,) = content["detection"]
    assert row["area"] == 0.75 and row["threshold"] is None
    assert "roc.png" in (tmp_path / "report.md").read_text(encoding="utf-8")
    # A report without any leaves none of an earlier one.
    run_report.save(tmp_path, evaluation, NOTHING, PROVENANCE)
    assert not (tmp_path / "compared.csv").exists()
    assert not list(tmp_path.glob("*.png"))
