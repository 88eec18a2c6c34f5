"""Rows of means and tests as plain dicts, and the tables printed from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from deepresolve.evaluation import Metric, statistics
from deepresolve.evaluation.subjects import IMAGE_SETS, Results

TITLES = {
    "ground_truth": "Ground truth",
    "sr": "SR-CNN",
    "tci": "TCI",
    "fourier": "Fourier",
}
TESTED_PAIRS = (("sr", "tci"),)
SIGNIFICANCE = 0.05
_SMALLEST_STUDY = 6  # the first n whose smallest p, 2^(1 - n), is below SIGNIFICANCE


def summary_rows(results: Results) -> list[dict[str, Any]]:
    """Mean and sample standard deviation of every image set and metric.

    Returns:
      Dicts of image_set, metric, class (None: a metric of the whole image), mean, sd
      and n, the number of subjects.
    """
    rows = []
    for name in results.metrics:
        for image_set in IMAGE_SETS:
            values = results.values(image_set, name)
            mean, sd = statistics.mean_sd(values)
            rows.append(
                {
                    "image_set": image_set,
                    "metric": name,
                    "class": None,
                    "mean": mean,
                    "sd": sd,
                    "n": len(values),
                }
            )
    return rows


def paired_tests(results: Results) -> list[dict[str, Any]]:
    """The paired tests: two-sided Wilcoxon signed-rank, a against b.

    Returns:
      Dicts of metric, class, a, b and the fields of `statistics.WilcoxonTest`.
    """
    rows = []
    for name in results.metrics:
        for a, b in TESTED_PAIRS:
            test = statistics.wilcoxon(results.values(a, name), results.values(b, name))
            rows.append({"metric": name, "class": None, "a": a, "b": b} | vars(test))
    return rows


def summary(results: Results) -> str:
    """The table, the tests, and what a reader must know to weigh them; Markdown."""
    return "\n\n".join([table(results), _tests_table(results), *_test_notes(results)])


def table(results: Results) -> str:
    """Markdown table in the paper's shape: a row a metric, a column an image set."""
    cells = {
        (row["metric"], row["image_set"]): _mean_sd_text(
            row, results.metrics[row["metric"]]
        )
        for row in summary_rows(results)
    }
    lines = [["", *TITLES.values()]]
    for name, metric in results.metrics.items():
        values = [cells.get((name, image_set), "n/a") for image_set in TITLES]
        lines.append([metric.title, *values])
    return _markdown_table(lines)


def _tests_table(results: Results) -> str:
    lines = [["Metric", "Compared", "n", "Higher in", "Median difference", "W", "p"]]
    for row in paired_tests(results):
        metric = results.metrics[row["metric"]]
        difference = row["median_difference"] * metric.table_scale
        lines.append(
            [
                metric.title,
                f"{TITLES[row['a']]} - {TITLES[row['b']]}",
                str(row["n"]),
                f"{row['num_higher']} of {row['n']}",
                _number_text(difference, "+.2f"),
                f"{row['statistic']:g}",
                _p_text(row["p"]),
            ]
        )
    return _markdown_table(lines)


def _test_notes(results: Results) -> list[str]:
    """What a reader must know to weigh the tests."""
    n = len(results.subjects)
    num_people = len({subject.person for subject in results.subjects})
    notes = ["W is the smaller sum of signed ranks; p is two-sided."]
    if (least := statistics.smallest_p(n)) >= SIGNIFICANCE:
        notes.append(
            f"With n = {n} this test cannot give less than p = {least:g}, whatever the "
            f"images: it takes at least {_SMALLEST_STUDY} scans to come below "
            f"{SIGNIFICANCE}."
        )
    if num_people < n:
        notes.append(
            f"The {n} scans are of {num_people} people: the pairs are not independent, "
            "so p overstates the evidence."
        )
    return notes


def _markdown_table(lines: list[list[str]]) -> str:
    """First line is the heading; columns are padded to stand well as plain text."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines = [lines[0], ["-" * width for width in widths], *lines[1:]]
    return "\n".join(
        "| "
        + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True))
        + " |"
        for line in lines
    )


def _mean_sd_text(row: Mapping[str, Any], metric: Metric) -> str:
    mean = _number_text(row["mean"] * metric.table_scale, ".2f")
    if math.isnan(row["sd"]):
        return f"{mean} (n = {row['n']})"
    return f"{mean} ± {row['sd'] * metric.table_scale:.2f}"


def _number_text(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else str(value)


def _p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
