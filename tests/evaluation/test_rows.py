import pytest

from deepresolve.evaluation.rows import seconds_rows, summary_rows


def test_rows_hold_mean_and_sample_deviation(results, with_values):
    known = with_values(
        results,
        {
            ("sr", "sr", "psnr"): [2, 4, 6],
            ("sr", "tci", "psnr"): [1, 1, 1],
            ("sr", "fourier", "psnr"): [0, 0, 3],
        },
    )
    rows = {
        row["image_set"]: row
        for row in summary_rows(known.measurements)
        if row["metric"] == "psnr"
    }
    assert rows["sr"] == {
        "image_set": "sr",
        "metric": "psnr",
        "class": None,
        "mean": 4.0,
        "sd": 2.0,
        "n": 3,
        "network": "sr",
    }
    assert rows["tci"]["sd"] == 0.0
    assert rows["fourier"]["sd"] == pytest.approx(3**0.5)


def test_segmentations_have_rows_by_network_and_class(full_results):
    rows = [
        row for row in summary_rows(full_results.measurements) if row["metric"] == "dsc"
    ]
    found = {(row["network"], row["image_set"], row["class"]) for row in rows}
    assert len(found) == len(rows) == 2 * (4 + 1)
    assert {row["n"] for row in rows} == {8}
    values = full_results.values(
        "dsc", "ground_truth", network="benchmark", label_class="dark tissue"
    )
    row = next(
        r for r in rows if r["network"] == "benchmark" and r["class"] == "dark tissue"
    )
    assert row["mean"] == pytest.approx(sum(values) / 8)


def test_seconds_are_told_by_network(full_results):
    rows = {
        row["network"]: row
        for row in seconds_rows(full_results.plan.networks, full_results.timings)
    }
    assert {name: row["n"] for name, row in rows.items()} == {
        "sr": 8,
        "seg": 32,
        "benchmark": 8,
    }
    for name, row in rows.items():
        seconds = sorted(full_results.seconds(name))
        assert (row["min"], row["max"]) == (seconds[0], seconds[-1])
        middle = (seconds[len(seconds) // 2 - 1] + seconds[len(seconds) // 2]) / 2
        assert row["median"] == pytest.approx(middle)
