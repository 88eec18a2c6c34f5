"""Thresholds come from other people's scans, or not at all."""

import json

import pytest

from deepresolve.evaluation import subjects_csv
from deepresolve.evaluation.detection import measures, thresholds
from deepresolve.evaluation.detection.measures import Question
from deepresolve.metrics import roc

ACL = Question("grades", "sagittal", "acl")
NETWORK = {"network_sha256": "89abcdef" * 8}
BESIDE = NETWORK | {"benchmark_sha256": "76543210" * 8}


@pytest.fixture
def report(tmp_path):
    """Writes what a report has of its answers."""

    def write(compared, networks=NETWORK):
        table = subjects_csv.compared_to_csv(compared)
        (tmp_path / "compared.csv").write_text(table, encoding="utf-8")
        content = {"provenance": networks}
        (tmp_path / "report.json").write_text(json.dumps(content), encoding="utf-8")
        return tmp_path

    return write


def test_youdens_threshold_of_what_is_there(report, made):
    compared = made(people="other")
    found = thresholds.chosen(report(compared), NETWORK, ["knee-0"])
    own = measures.answers(compared)[ACL]
    assert found == {ACL: roc.youden_threshold(own.reference, own.probability)}


def test_nobody_is_chosen_on_and_tried(report, made):
    folder = report(made())
    with pytest.raises(ValueError, match="on scans of knee-3, on whom they are tried"):
        thresholds.chosen(folder, NETWORK, ["knee-3", "somebody"])


def test_other_reports_do_not_do(report, made, tmp_path):
    with pytest.raises(ValueError, match=r"holds no compared\.csv"):
        thresholds.chosen(tmp_path, NETWORK, [])
    folder = report(made())
    with pytest.raises(ValueError, match="of another network"):
        thresholds.chosen(folder, {"network_sha256": "0" * 64}, [])
    (folder / "report.json").unlink()
    with pytest.raises(ValueError, match="of another network"):
        thresholds.chosen(folder, NETWORK, [])


def test_a_benchmark_is_that_of_the_report_or_has_no_threshold(report, made):
    other = BESIDE | {"benchmark_sha256": "0" * 64}
    compared = made(people="other")
    assert [*thresholds.chosen(report(compared), BESIDE, [])] == [ACL]
    assert [*thresholds.chosen(report(compared, BESIDE), NETWORK, [])] == [ACL]
    assert [*thresholds.chosen(report(compared, BESIDE), BESIDE, [])] == [ACL]
    with pytest.raises(ValueError, match="of another network"):
        thresholds.chosen(report(compared, other), BESIDE, [])


def test_answers_that_tell_nothing_are_refused(report, made):
    compared = made()
    with pytest.raises(ValueError, match="has no probabilities"):
        thresholds.chosen(
            report([c for c in compared if c.kind == "classes"]), NETWORK, []
        )
    one_side = [c for c in compared if c.reference == 1]
    with pytest.raises(ValueError, match=r"No threshold of acl: .* all or none"):
        thresholds.chosen(report(one_side), NETWORK, [])
    folder = report(compared)
    table = folder / "compared.csv"
    table.write_text(table.read_text("utf-8").replace("\nknee-0,", "\nknee-0,x,", 1))
    with pytest.raises(ValueError, match=r"compared\.csv"):
        thresholds.chosen(folder, NETWORK, [])
