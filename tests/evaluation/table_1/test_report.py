import dataclasses
import json

import pytest

from deepresolve.evaluation import subjects_csv
from deepresolve.evaluation.table_1 import figures, report
from deepresolve.evaluation.table_1.analysis import analyse
from deepresolve.evaluation.table_1.experiment import evaluate
from deepresolve.metrics.table import of

PROVENANCE = {"records": "gs://bucket/shards", "split": "test"}


def strict(text):
    """Parses JSON and fails on NaN and Infinity, which Python would let pass."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_has_what_programs_look_for(full_analysis):
    content = strict(report.to_json(full_analysis, PROVENANCE))
    keys = ["image_set", "metric", "class", "mean", "sd", "n", "network"]
    for row in content["rows"]:
        assert list(row) == keys
        assert row["image_set"] in ("ground_truth", "sr", "tci", "fourier")
        assert row["network"] in ("sr", "seg", "benchmark")
        assert row["n"] == 8
    wanted = {"metric", "class", "a", "b", "n", "statistic", "p", "p_holm"}
    for test in content["tests"]:
        assert wanted | {"effect_size", "interval_low"} <= set(test)
    assert {"network", "image_set", "class", "bias", "rms_cv"} <= set(
        content["bland_altman"][0]
    )
    assert [row["network"] for row in content["seconds"]] == ["sr", "seg", "benchmark"]
    assert content["provenance"] == PROVENANCE
    assert content["protocol"]["data_range"] == 1.0
    assert content["protocol"]["downsample_factor"] == 3
    assert content["protocol"]["num_people"] == 8
    assert content["subjects"][0]["shape"] == [24, 22, 20]
    assert {"ssim", "dsc", "volume_mm3"} <= set(content["metrics"])


def test_json_holds_plain_numbers(better_results):
    rows = strict(report.to_json(analyse(better_results), {}))["rows"]
    assert len(rows) == 3 * len(of("images"))
    ssim = next(r for r in rows if (r["metric"], r["image_set"]) == ("ssim", "sr"))
    assert 0 < ssim["mean"] <= 1


def test_json_has_scores_from_elsewhere(full_results, full_analysis, scores):
    content = strict(report.to_json(analyse(full_results, scores()), {}))["readers"]
    assert list(content) == ["rows", "tests", "facts"]
    assert content["facts"] == {"readers": "ann, bob"}
    assert {(r["metric"], r["image_set"]) for r in content["rows"]} == {
        (q, s) for q in ("diq", "rank") for s in ("ground_truth", "sr", "tci")
    }
    assert {r["network"] for r in content["rows"]} == {"readers"}
    assert content["tests"][0]["p_holm"] == 0.02
    assert strict(report.to_json(full_analysis, {}))["readers"] is None


def test_json_of_one_perfect_subject_has_null_for_what_has_no_value(
    make_subject, sr_plan
):
    only = evaluate([make_subject(0)], sr_plan())
    infinite = dataclasses.replace(
        only,
        measurements=tuple(
            dataclasses.replace(m, value=float("inf")) for m in only.measurements
        ),
    )
    for row in strict(report.to_json(analyse(only), {}))["rows"]:
        assert row["sd"] is None
        assert row["mean"] is not None
    for row in strict(report.to_json(analyse(infinite), {}))["rows"]:
        assert (row["mean"], row["sd"], row["n"]) == (None, None, 1)


def test_save_writes_everything_and_ends_the_progress(full_analysis, tmp_path):
    subjects_csv.Progress(tmp_path).add(full_analysis.results.measurements)
    paths = report.save(tmp_path, full_analysis, PROVENANCE)
    assert {path.name for path in paths} == {
        *("report.md", "report.json", "subjects.csv", "report.html"),
        *("figure_2.png", "paired.png", "bland_altman.png", "super_resolution.png"),
    }
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count('src="data:image/png;base64,') == 4
    assert "DSC (%), bright tissue, 3D Seg-CNN" in page


def test_figures_of_an_earlier_report_do_not_stay(results, tmp_path):
    (tmp_path / "bland_altman.png").write_text("of a segmentation")
    paths = report.save(tmp_path, analyse(results), PROVENANCE)
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert "bland_altman.png" not in {path.name for path in paths}


def test_a_crash_in_a_figure_loses_no_number(results, tmp_path, monkeypatch):
    for name in ("report.html", "paired.png"):
        (tmp_path / name).write_text("of an earlier report")
    subjects_csv.Progress(tmp_path).add(results.measurements)

    def crash(analysis):
        raise RuntimeError("no font")

    monkeypatch.setattr(figures, "draw", crash)
    with pytest.raises(RuntimeError, match="no font"):
        report.save(tmp_path, analyse(results), PROVENANCE)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("report.md", "report.json", "subjects.csv", subjects_csv.PROGRESS_FILE)
    }
    strict((tmp_path / "report.json").read_text(encoding="utf-8"))
