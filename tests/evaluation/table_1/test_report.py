import csv
import dataclasses
import errno
import io
import json
import pathlib

import pytest

from deepresolve.evaluation.table_1 import figures, report
from deepresolve.evaluation.table_1.analysis import analyse
from deepresolve.evaluation.table_1.experiment import evaluate
from deepresolve.metrics.table import of

# Decimals: one more than tables print of SSIM x100 etc.; volumes to 0.1 mm³.
DIGITS = {
    **dict.fromkeys(["ssim", "nrmse", "edge_sharpness"], 5),
    **dict.fromkeys(["dsc", "voe", "volume_difference"], 5),
    **dict.fromkeys(["rmse", "mse"], 6),
    **dict.fromkeys(["psnr", "assd", "hd95"], 3),
    **dict.fromkeys(["volume_mm3", "reference_volume_mm3"], 1),
}
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


def test_csv_has_every_number_as_far_as_it_is_known(full_results):
    lines = list(csv.DictReader(io.StringIO(report.to_csv(full_results.measurements))))
    assert len(lines) == len(full_results.measurements)
    for line, m in zip(lines, full_results.measurements, strict=True):
        assert line == {
            "subject": m.subject,
            "person": m.person,
            "network": m.source,
            "image_set": m.image_set,
            "metric": m.metric,
            "class": m.label_class or "",
            "value": line["value"],
        }
        digits = DIGITS[m.metric]
        value = float(line["value"])
        assert value == pytest.approx(m.value, abs=0.51 * 10**-digits)
        # Four digits at least, and no more than that and its decimals.
        assert value == pytest.approx(m.value, rel=0.51e-3)
        assert len(line["value"].lstrip("-0.").replace(".", "")) <= max(
            4, digits + len(str(int(abs(value))))
        )


def test_csv_quotes_awkward_names(results):
    awkward = [dataclasses.replace(results.measurements[0], subject='a,"b"\nc')]
    lines = list(csv.DictReader(io.StringIO(report.to_csv(awkward))))
    assert [line["subject"] for line in lines] == ['a,"b"\nc']


def test_progress_is_the_csv_of_the_subjects_so_far(results, tmp_path):
    (tmp_path / report.PROGRESS_FILE).write_text("of an earlier run")
    progress = report.Progress(tmp_path)
    numbers = results.measurements
    progress.add(numbers[:5])
    progress.add(numbers[5:9])
    text = (tmp_path / report.PROGRESS_FILE).read_text(encoding="utf-8")
    assert text == report.to_csv(numbers[:9])


def test_save_writes_everything_and_ends_the_progress(full_analysis, tmp_path):
    report.Progress(tmp_path).add(full_analysis.results.measurements)
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
    report.Progress(tmp_path).add(results.measurements)

    def crash(analysis):
        raise RuntimeError("no font")

    monkeypatch.setattr(figures, "draw", crash)
    with pytest.raises(RuntimeError, match="no font"):
        report.save(tmp_path, analyse(results), PROVENANCE)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("report.md", "report.json", "subjects.csv", report.PROGRESS_FILE)
    }
    strict((tmp_path / "report.json").read_text(encoding="utf-8"))


def test_write_replaces_what_was_there(tmp_path):
    folder = report.make_folder(str(tmp_path / "new" / "report"))
    for content in ("old", "new ± 1"):
        paths = report.write(folder, {"a.md": content, "b.png": b"\x89"})
    assert [path.name for path in paths] == ["a.md", "b.png"]
    assert paths[0].read_text(encoding="utf-8") == "new ± 1"
    assert paths[1].read_bytes() == b"\x89"
    assert sorted(folder.iterdir()) == paths


def test_a_full_disk_leaves_the_earlier_report(tmp_path, monkeypatch):
    report.write(tmp_path, {"a.md": "old", "b.md": "old"})
    write_bytes = pathlib.Path.write_bytes

    def full(path, data):
        if "b.md" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write_bytes(path, data)

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        report.write(tmp_path, {"a.md": "new", "b.md": "new"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.md": "old",
        "b.md": "old",
    }


def test_remote_folder_is_refused():
    with pytest.raises(ValueError, match="local folder"):
        report.make_folder("gs://bucket/report")
