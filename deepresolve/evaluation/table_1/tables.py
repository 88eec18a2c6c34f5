"""The paper's Table 1, and further measures in the same columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepresolve.evaluation import reader_tables
from deepresolve.evaluation.reader_scores import ReaderScores
from deepresolve.evaluation.rows import summary_rows
from deepresolve.evaluation.table_1 import published
from deepresolve.evaluation.table_1.comparisons import (
    MARKS,
    PAPER_IMAGE_METRICS,
    PAPER_LABEL_METRICS,
    SIGNIFICANCE,
    marks,
)
from deepresolve.evaluation.table_1.plan import IMAGE_SETS, Plan
from deepresolve.evaluation.table_1.results import Results
from deepresolve.evaluation.table_1.titles import TITLES
from deepresolve.reports.document import Table
from deepresolve.reports.number_text import NOT_APPLICABLE, mean_sd_text


def table_1(
    results: Results,
    tests: Sequence[Mapping[str, Any]],
    readers: ReaderScores | None = None,
    reader_tests: Sequence[Mapping[str, Any]] = (),
) -> Table:
    """The paper's table: a column an image set, a row a measure.

    Readers' scores (diagnostic image quality, rank) have their rows, which say "not
    read" without a reader study. Published values stand in a row below ours where
    `published` allows it.

    Args:
      results: what was measured.
      tests: rows of `comparisons.paired_tests`, for the marks.
      readers: scores of a reader study.
      reader_tests: rows of `reader_scores.paired_tests`, likewise.
    """
    plan, cells = results.plan, _Cells(results, tests)
    lines = []
    for metric in PAPER_IMAGE_METRICS:
        lines += cells.lines("sr", metric)
    lines += reader_tables.table_1_lines(plan, readers, reader_tests)
    for network, label_class in _segmented(plan):
        for metric in PAPER_LABEL_METRICS:
            lines += cells.lines(network, metric, label_class)
    return Table(("Measure", *TITLES.values()), tuple(lines))


def further_tables(results: Results) -> list[Table]:
    """All other measures, without marks: of images, then of label maps."""
    plan, cells = results.plan, _Cells(results)
    images, label_maps = [], []
    for metric in plan.scores_of("images"):
        if metric not in PAPER_IMAGE_METRICS:
            images += cells.lines("sr", metric)
    for network, label_class in _segmented(plan):
        for metric in plan.scores_of("masks"):
            if metric not in PAPER_LABEL_METRICS:
                label_maps += cells.lines(network, metric, label_class)
    header = ("Measure", *TITLES.values())
    return [Table(header, tuple(lines)) for lines in (images, label_maps) if lines]


def legend(plan: Plan, *, read: bool = False) -> str:
    """What the marks of Table 1 mean.

    Args:
      plan: what was done.
      read: whether there is a reader study.
    """
    meanings = []
    if "sr" in plan.networks:
        meanings.append(f"{MARKS['sr', 'tci']} SR-CNN differs from TCI")
    if "sr" in plan.networks and (read or "seg" in plan.networks):
        meanings.append(
            f"{MARKS['sr', 'ground_truth']} SR-CNN differs from the ground truth"
        )
    if {"seg", "benchmark"} <= set(plan.networks):
        seg, benchmark = (plan.networks[n].title for n in ("seg", "benchmark"))
        meanings.append(f"{MARKS['seg', 'benchmark']} {seg} differs from {benchmark}")
    return legend_text(meanings)


def legend_text(meanings: Sequence[str]) -> str:
    """What a table's numbers are, and its marks, each with what it says."""
    if not meanings:
        return "Mean ± standard deviation."
    return (
        f"Mean ± standard deviation. {'; '.join(meanings)}: two-sided Wilcoxon "
        f"signed-rank test, p < {SIGNIFICANCE} after Holm's correction. A mark says "
        "that there is a difference, not which side is better; no mark does not say "
        "that two are alike: see the interval of their difference."
    )


class _Cells:
    """Looks up what stands in a table's cells.

    Args:
      results: what was measured.
      tests: rows of `comparisons.paired_tests`; none for cells without marks.
    """

    def __init__(self, results: Results, tests: Sequence[Mapping[str, Any]] = ()):
        self._plan = results.plan
        self._rows = {
            (row["network"], row["metric"], row["class"], row["image_set"]): row
            for row in summary_rows(results.measurements)
        }
        self._marks = marks(tests)

    def lines(
        self, network: str, metric: str, label_class: str | None = None
    ) -> Iterator[tuple[str, ...]]:
        """Our line, and the paper's below it; none of a metric that was not taken."""
        keys = [(network, metric, label_class, image_set) for image_set in IMAGE_SETS]
        if not any(key in self._rows for key in keys):
            return
        entry = self._plan.metrics[metric]
        title = entry.heading
        if label_class is not None:
            title += f", {label_class}, {self._plan.networks[network].title}"
        yield (title, *(self._ours(*key, entry.table_scale) for key in keys))
        paper = [
            published.mean_sd(self._plan, network, metric, image_set)
            for image_set in IMAGE_SETS
        ]
        if any(paper):
            cells = (f"{p[0]:.1f} ± {p[1]:.1f}" if p else NOT_APPLICABLE for p in paper)
            yield ("as published", *cells)

    def _ours(self, network, metric, label_class, image_set, scale) -> str:
        row = self._rows.get((network, metric, label_class, image_set))
        if row is None:
            return NOT_APPLICABLE
        marked = {"sr": "sr", "ground_truth": network}.get(image_set)
        mark = self._marks.get((metric, label_class, marked), "")
        return f"{mean_sd_text(row, scale)} {mark}".rstrip()


def _segmented(plan: Plan) -> Iterator[tuple[str, str]]:
    """(network, class) in the order of the table: networks first, as in the paper."""
    for network in plan.segmentations:
        for label_class in plan.classes.names:
            yield network, label_class
