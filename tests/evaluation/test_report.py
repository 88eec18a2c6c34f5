import csv
import dataclasses
import errno
import io
import json
import pathlib

import pytest

from deepresolve.evaluation import report
from deepresolve.evaluation.subjects import evaluate_super_resolution

PROVENANCE = {"records": "gs://bucket/shards", "split": "test"}


def strict(text):
    """Parses JSON and fails on NaN and Infinity, which Python would let pass."""

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_has_what_programs_look_for(better_results):
    content = strict(report.to_json(better_results, PROVENANCE))
    assert len(content["rows"]) == 6
    for row in content["rows"]:
        assert list(row) == ["image_set", "metric", "class", "mean", "sd", "n"]
        assert row["image_set"] in ("sr", "tci", "fourier")
        assert (row["class"], row["n"]) == (None, 3)
    for test in content["tests"]:
        assert {"metric", "a", "b", "n", "statistic", "p"} <= set(test)
    assert content["provenance"] == PROVENANCE
    assert content["protocol"]["data_range"] == 1.0
    assert content["protocol"]["downsample_factor"] == 3
    assert content["protocol"]["num_people"] == 3
    assert "first acquired slice to the last" in content["protocol"]["region"]
    assert content["subjects"][0]["shape"] == [24, 22, 20]
    assert set(content["metrics"]) == {"ssim", "psnr"}


def test_json_ssim_is_between_0_and_1_and_the_table_says_x100(better_results):
    rows = strict(report.to_json(better_results, {}))["rows"]
    ssim = next(r for r in rows if (r["metric"], r["image_set"]) == ("ssim", "sr"))
    assert 0 < ssim["mean"] <= 1
    assert f"{100 * ssim['mean']:.2f} ±" in report.to_markdown(better_results, {})


def test_json_of_one_perfect_subject_has_null_for_what_has_no_value(make_subject):
    only = evaluate_super_resolution(
        [make_subject(0)], lambda x: x, downsample_factor=3
    )
    infinite = dataclasses.replace(
        only,
        measurements=tuple(
            dataclasses.replace(m, value=float("inf")) for m in only.measurements
        ),
    )
    for row in strict(report.to_json(only, {}))["rows"]:
        assert row["sd"] is None
        assert row["mean"] is not None
    for row in strict(report.to_json(infinite, {}))["rows"]:
        assert (row["mean"], row["sd"], row["n"]) == (None, None, 1)


def test_csv_has_every_number_in_full(better_results):
    lines = list(csv.DictReader(io.StringIO(report.to_csv(better_results))))
    assert len(lines) == len(better_results.measurements)
    for line, m in zip(lines, better_results.measurements, strict=True):
        assert line == {
            "subject": m.subject,
            "person": m.person,
            "image_set": m.image_set,
            "metric": m.metric,
            "class": "",
            "value": repr(m.value),
        }
        assert float(line["value"]) == m.value


def test_csv_quotes_awkward_names(make_subject):
    awkward = dataclasses.replace(make_subject(0), subject='a,"b"\nc')
    results = evaluate_super_resolution([awkward], lambda x: x, downsample_factor=3)
    lines = list(csv.DictReader(io.StringIO(report.to_csv(results))))
    assert {line["subject"] for line in lines} == {'a,"b"\nc'}


def test_markdown_says_how_it_was_measured(results):
    text = report.to_markdown(results, PROVENANCE)
    for said in (
        "| SSIM (x100)",
        "downsample_factor: 3",
        "data_range: 1.0",
        "from the first acquired slice to the last; slices past it are left out",
        "7 voxels along each axis",
        "median_seconds_per_volume",
        "gs://bucket/shards",
    ):
        assert said in text


def test_published_values_stand_only_beside_the_published_network(results):
    assert "79.1 ± 1.3" not in report.to_markdown(results, {})
    assert "79.1 ± 1.3" in report.to_markdown(results, {}, published=True)


def test_write_replaces_what_was_there(tmp_path):
    folder = report.make_folder(str(tmp_path / "new" / "report"))
    for content in ("old", "new ± 1"):
        paths = report.write(folder, {"a.md": content, "b.png": b"\x89"})
    assert [path.name for path in paths] == ["a.md", "b.png"]
    assert paths[0].read_text(encoding="utf-8") == "new ± 1"
    assert paths[1].read_bytes() == b"\x89"
    assert sorted(folder.iterdir()) == paths


def test_full_disk_leaves_the_earlier_report(tmp_path, monkeypatch):
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
