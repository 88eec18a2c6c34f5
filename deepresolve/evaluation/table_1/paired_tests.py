"""The paired tests of the paper, and the marks that they put into Table 1.

Each claim of the paper is a family, and Holm's correction is made within it:

    image              SR-CNN against TCI: SSIM and pSNR
    segmented, TCI     the segmentation on SR-CNN against that on TCI: DSC and VOE of
                       every class
    segmented, truth   the segmentation on SR-CNN against that on the ground truth
    benchmark          the segmentation against the benchmark, both on the ground truth

Measures beyond the paper's are tested in families of their own (`image, further`, ...),
so that looking at more of them takes nothing from the paper's claims.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepresolve.evaluation.paired import SIGNIFICANCE, compared, with_holm
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import Results

PAPER_IMAGE_METRICS = ("ssim", "psnr")
PAPER_LABEL_METRICS = ("dsc", "voe")

FAMILIES = {
    "image": "super-resolution against TCI",
    "segmented, TCI": "segmentation on super-resolution against on TCI",
    "segmented, truth": "segmentation on super-resolution against on the ground truth",
    "benchmark": "segmentation against the benchmark, on the ground truth",
}
MARKS = {("sr", "tci"): "†", ("sr", "ground_truth"): "*", ("seg", "benchmark"): "‡"}


@dataclasses.dataclass(frozen=True)
class _Pair:
    """Two sides of a test, each a network's numbers on an image set."""

    family: str
    a: str
    b: str
    side_a: tuple[str, str]
    side_b: tuple[str, str]


_IMAGE_PAIRS = (_Pair("image", "sr", "tci", ("sr", "sr"), ("sr", "tci")),)
_LABEL_PAIRS = (
    _Pair("segmented, TCI", "sr", "tci", ("seg", "sr"), ("seg", "tci")),
    _Pair(
        "segmented, truth",
        "sr",
        "ground_truth",
        ("seg", "sr"),
        ("seg", "ground_truth"),
    ),
    _Pair(
        "benchmark",
        "seg",
        "benchmark",
        ("seg", "ground_truth"),
        ("benchmark", "ground_truth"),
    ),
)


def paired_tests(results: Results) -> list[dict[str, Any]]:
    """Two-sided Wilcoxon signed-rank tests of a against b, for all that was measured.

    Returns:
      Dicts of family, metric, class, network, a and b (image sets, or "seg" and
      "benchmark"), the fields of `statistics.WilcoxonTest`, p_holm, mean_difference (of
      a - b) with its interval_low and interval_high, and effect_size.
    """
    rows = []
    for pair, metric, label_class in _questions(results.plan):
        a, b = (
            results.values(metric, image_set, network=network, label_class=label_class)
            for network, image_set in (pair.side_a, pair.side_b)
        )
        if not a or not b:
            continue
        further = metric not in (*PAPER_IMAGE_METRICS, *PAPER_LABEL_METRICS)
        row = {
            "family": f"{pair.family}, further" if further else pair.family,
            "metric": metric,
            "class": label_class,
            "network": pair.side_a[0],
            "a": pair.a,
            "b": pair.b,
        }
        rows.append(row | compared(a, b))
    return with_holm(rows)


def marks(tests: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str | None, str], str]:
    """The marks that Table 1 gets.

    Args:
      tests: rows of `paired_tests`.

    Returns:
      Marks of the differences with p_holm < `SIGNIFICANCE`, such as "†*", by (metric,
      class, a): a is "sr", or "seg" where it differs from the benchmark.
    """
    found: dict[tuple[str, str | None, str], str] = {}
    for (a, b), mark in MARKS.items():
        for test in tests:
            if (test["a"], test["b"]) == (a, b) and test["p_holm"] < SIGNIFICANCE:
                key = test["metric"], test["class"], a
                found[key] = found.get(key, "") + mark
    return found


def _questions(plan: Plan) -> Iterator[tuple[_Pair, str, str | None]]:
    """Every (pair, metric, class) of the plan."""
    for pair in _IMAGE_PAIRS:
        for metric in plan.scores_of("images"):
            yield pair, metric, None
    for pair in _LABEL_PAIRS:
        for label_class in plan.class_names:
            for metric in plan.scores_of("masks"):
                yield pair, metric, label_class
