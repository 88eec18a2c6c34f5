"""combine as its user runs it, from reports to a table of new exams."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from exam_reports import APART, planes, report, rows, rows_of  # noqa: F401 (fixtures)
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from deepresolve.metrics import roc, statistics

SERIES = [*APART]


@pytest.fixture
def combine(run_script, tmp_path):
    def done(status=0, output="combined", **flags):
        given = [
            f"--{name}={','.join(v) if isinstance(v, list) else v}"
            for name, v in flags.items()
        ]
        output = f"--output={tmp_path / output}"
        result = run_script("deepresolve", "combine", output, *given)
        assert result.returncode == status, result.stderr
        return tmp_path / "combined", result.stdout + result.stderr

    return done


def logits(first, count=80):
    """(exams, planes) of what `rows_of` writes, and the truth."""
    answers = np.array(
        [
            [one.estimate for one in rows_of(of, first, count) if one.kind[0] == "p"]
            for of in SERIES
        ]
    ).T
    return np.log(answers / (1 - answers)), np.arange(first, first + count) % 2 == 1


def test_a_combination_is_learned_and_tried_on_others(combine, planes):  # noqa: F811
    folder, said = combine(fit=planes("valid"), apply=planes("test", first=100))
    content = json.loads((folder / "report.json").read_text("utf-8"))
    areas = {(row["source"], row["image_set"]): row for row in content["detection"]}
    model = LogisticRegression(max_iter=1000).fit(*logits(0))
    tried, truth = logits(100)
    expected = model.predict_proba(tried)[:, 1]
    combined = areas["combined", "exam"]
    assert combined["area"] == pytest.approx(roc_auc_score(truth, expected), abs=1e-5)
    assert not np.isnan(combined["sensitivity"])
    for plane, own in zip(SERIES, tried.T, strict=True):
        area = areas["single", plane]["area"]
        assert area == pytest.approx(roc_auc_score(truth, own), abs=1e-5)
    tests = content["detection_tests"]
    assert [test["b"] for test in tests] == [f"single, {of}" for of in SERIES]
    p = [roc.area_test(truth, expected, own).p for own in tried.T]
    assert [test["p"] for test in tests] == pytest.approx(p, rel=1e-4)
    corrected = statistics.holm(p)
    assert [test["p_holm"] for test in tests] == pytest.approx(corrected, rel=1e-4)
    kept = json.loads((folder / "combination.json").read_text("utf-8"))
    slopes = kept["questions"]["acl"]["weights"]["slopes"]
    assert slopes == pytest.approx(model.coef_[0])
    for text in ("combined, exam - single, coronal", "## The combination"):
        assert text in said and text in (folder / "report.md").read_text("utf-8")
    with (folder / "compared.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 4 * 80
    for name in ("roc.png", "precision_recall.png", "reliability.png", "report.html"):
        assert (folder / name).exists()


def test_nobody_is_learned_from_and_tried(combine, planes):  # noqa: F811
    _, said = combine(1, fit=planes("valid"), apply=planes("test", first=79))
    assert "Weights would be chosen on scans of 0079, on whom they are tried" in said


def test_exams_without_a_plane_are_told(combine, planes, report, rows):  # noqa: F811
    tried = planes("test", first=100)[:2]
    tried.append(report("few", rows("axial", 100, without=("0107",))))
    folder, said = combine(fit=planes("valid"), apply=tried)
    told = "acl: 1 of 80 exams in --apply lack an answer and are left out: 0107 (axial)"
    assert told in said and told in (folder / "report.md").read_text("utf-8")
    content = json.loads((folder / "report.json").read_text("utf-8"))
    assert content["left_out"] == {"acl": {"0107": ["axial"]}}


def test_what_was_learned_is_tried_on_further_reports(combine, planes):  # noqa: F811
    folder, _ = combine(fit=planes("valid"), apply=planes("test", first=100))
    first = json.loads((folder / "report.json").read_text("utf-8"))
    kept = folder.rename(folder.with_name("kept")) / "combination.json"
    # In another order, of the same exams.
    again = planes("again", first=100)[::-1]
    folder, _ = combine(combination=kept, apply=again)
    second = json.loads((folder / "report.json").read_text("utf-8"))
    assert first["detection"] == second["detection"]
    _, said = combine(1, combination=kept, apply=planes("same"))
    assert "Weights would be chosen on scans of 0000" in said
    _, said = combine(1, combination=kept, apply=again[:2])
    assert "The combination was learned with the networks of" in said


def test_new_exams_have_a_line_each(combine, planes, tmp_path):  # noqa: F811
    folder, _ = combine(fit=planes("valid"), apply=planes("test", first=100))
    kept = folder / "combination.json"
    graded = []
    for of in SERIES:
        graded.append(str(tmp_path / f"graded_{of}"))
        path = tmp_path / f"graded_{of}"
        path.mkdir()
        lines = ["scan,label,grade,probability,slice"]
        for one in rows_of(of, 100, 8):
            if one.kind == "probabilities":
                lines.append(f"{one.subject}.nii.gz,acl,0,{one.estimate!r},1")
                told = {"provenance": {"model": {"sha256": of[0] * 64}}}
                trust = path / f"{one.subject}_trust.json"
                trust.write_text(json.dumps(told), encoding="utf-8")
        (path / "grades.csv").write_text("\n".join(lines), encoding="utf-8")
    folder, said = combine(combination=kept, predicted=graded)
    assert "exams.csv: 8 exams" in said
    with (folder / "exams.csv").open(encoding="utf-8") as file:
        found = [float(row["acl"]) for row in csv.DictReader(file)]
    with (folder / "compared.csv").open(encoding="utf-8") as file:
        tried = [row for row in csv.DictReader(file) if row["network"] == "combined"]
    # The same exams, of which the report tells the same.
    expected = [float(row["estimate"]) for row in tried[:8]]
    assert found == pytest.approx(expected, rel=1e-5)
    _, said = combine(1, combination=kept, predicted=graded[::-1])
    assert "is of another network than that of sagittal" in said
    _, said = combine(1, combination=kept, predicted=graded[:2])
    assert "expected one for each of sagittal, coronal, axial" in said


def test_networks_that_saw_their_scans_are_told(combine, report, rows):  # noqa: F811
    learned = [report(f"a_{of}", rows(of), split="train") for of in SERIES]
    tried = [report(f"b_{of}", rows(of, 100)) for of in SERIES]
    _, said = combine(fit=learned, apply=tried)
    assert said.count("is of the scans that the network was trained on") == 3


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"apply": "a"}, "Give one of --fit and --combination."),
        ({"fit": "a"}, "Give one of --apply and --predicted"),
        ({"fit": "a", "predicted": "b"}, "--predicted goes with --combination"),
        ({"fit": "a", "apply": "b"}, "--fit=a: there is no such file or folder"),
    ],
)
def test_what_does_not_go_together_is_told(combine, flags, told):
    _, said = combine(1, **flags)
    assert told in said


def test_nothing_of_it_loads_tensorflow():
    script = (
        "import sys\n"
        "from deepresolve.evaluation.combining import exams, new_exams, report\n"
        "sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
