"""The paper's Table 1, and further measures in the same columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepresolve.evaluation.rows import summary_rows
from deepresolve.evaluation.supplement import Scale, Supplement
from deepresolve.evaluation.table_1 import published
from deepresolve.evaluation.table_1.paired_tests import (
    MARKS,
    PAPER_IMAGE_METRICS,
    PAPER_LABEL_METRICS,
    marks,
)
from deepresolve.evaluation.table_1.plan import IMAGE_SETS, Plan
from deepresolve.evaluation.table_1.results import Results
from deepresolve.evaluation.tables import legend_text
from deepresolve.reports.document import Table
from deepresolve.reports.number_text import NOT_APPLICABLE, mean_sd_text

# What the paper's radiologists answered: titles, and the scale where nobody did.
_SCORED = {"diq": "DIQ", "rank": "Rank"}
_UNREAD = {"diq": "1 to 5", "rank": "1 to 3, 3 best"}
_NOT_READ = "not read"


def table_1(
    results: Results,
    tests: Sequence[Mapping[str, Any]],
    scores: Supplement | None = None,
) -> Table:
    """The paper's table: a column an image set, a row a measure.

    The scores of image sets (diagnostic image quality, rank) have their rows, which say
    "not read" where there are none. Published values stand in a row below ours where
    `published` allows it.

    Args:
      results: what was measured.
      tests: rows of `paired_tests.paired_tests`, for the marks.
      scores: what people made of the image sets; None without.
    """
    plan, cells = results.plan, _Cells(results, tests)
    lines: list[tuple[str, ...]] = []
    for metric in PAPER_IMAGE_METRICS:
        lines += cells.lines("sr", metric)
    lines += _scored_lines(plan, scores)
    for network, label_class in _segmented(plan):
        for metric in PAPER_LABEL_METRICS:
            lines += cells.lines(network, metric, label_class)
    return Table(("Measure", *plan.titles.values()), tuple(lines))


def further_tables(results: Results) -> list[Table]:
    """All other measures, without marks: of images, then of label maps."""
    plan, cells = results.plan, _Cells(results)
    images: list[tuple[str, ...]] = []
    label_maps: list[tuple[str, ...]] = []
    for metric in plan.scores_of("images"):
        if metric not in PAPER_IMAGE_METRICS:
            images += cells.lines("sr", metric)
    for network, label_class in _segmented(plan):
        for metric in plan.scores_of("masks"):
            if metric not in PAPER_LABEL_METRICS:
                label_maps += cells.lines(network, metric, label_class)
    header = ("Measure", *plan.titles.values())
    return [Table(header, tuple(lines)) for lines in (images, label_maps) if lines]


def legend(plan: Plan, *, scored: bool = False) -> str:
    """What the marks of Table 1 mean.

    Args:
      plan: what was done.
      scored: whether people scored the image sets.
    """
    meanings = []
    if "sr" in plan.networks:
        meanings.append(f"{MARKS['sr', 'tci']} {plan.titles['sr']} differs from TCI")
    if "sr" in plan.networks and (scored or "seg" in plan.networks):
        meanings.append(
            f"{MARKS['sr', 'ground_truth']} {plan.titles['sr']} differs from the "
            "ground truth"
        )
    if {"seg", "benchmark"} <= set(plan.networks):
        seg, benchmark = (plan.networks[n].title for n in ("seg", "benchmark"))
        meanings.append(f"{MARKS['seg', 'benchmark']} {seg} differs from {benchmark}")
    return legend_text(meanings)


class _Cells:
    """Looks up what stands in a table's cells.

    Args:
      results: what was measured.
      tests: rows of `paired_tests.paired_tests`; none for cells without marks.
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
        yield (title, *(self._ours(key, entry.table_scale) for key in keys))
        yield from _published_line(self._plan, network, metric)

    def _ours(self, key: tuple[str, str, str | None, str], scale: float) -> str:
        """What stands under an image set, by (network, metric, class, image set)."""
        network, metric, label_class, image_set = key
        if (row := self._rows.get(key)) is None:
            return NOT_APPLICABLE
        marked = {"sr": "sr", "ground_truth": network}.get(image_set, "")
        mark = self._marks.get((metric, label_class, marked), "")
        return f"{mean_sd_text(row, scale)} {mark}".rstrip()


def _published_line(plan: Plan, network: str, metric: str) -> Iterator[tuple[str, ...]]:
    """The paper's line, where it may stand below ours."""
    paper = [published.mean_sd(plan, network, metric, s) for s in IMAGE_SETS]
    if any(paper):
        cells = (f"{p[0]:.1f} ± {p[1]:.1f}" if p else NOT_APPLICABLE for p in paper)
        yield ("as published", *cells)


def _scored_lines(plan: Plan, scores: Supplement | None) -> Iterator[tuple[str, ...]]:
    """The lines that people fill, and the paper's below those of the same scale."""
    marked = marks(scores.tests) if scores else {}
    given = summary_rows(scores.measurements) if scores else []
    for name, title in _SCORED.items():
        cells = {
            s: _NOT_READ if s in plan.image_sets else NOT_APPLICABLE
            for s in plan.titles
        }
        rows = [row for row in given if row["metric"] == name]
        if scores is None or not rows:
            yield (f"{title} ({_UNREAD[name]})", *cells.values())
            continue
        for row in rows:
            mark = marked.get((name, None, row["image_set"]), "")
            cells[row["image_set"]] = f"{mean_sd_text(row, 1)} {mark}".rstrip()
        scale, n = scores.scales[name], max(row["n"] for row in rows)
        cases = f"{n} case{'s' if n > 1 else ''}"
        yield (f"{title} ({_range(scale)}), {cases}", *(cells[s] for s in plan.titles))
        if (scale.lowest, scale.highest) == published.SCALES[name]:
            yield from _published_line(plan, "sr", name)


def _range(scale: Scale) -> str:
    best = f", {scale.highest} best" if scale.is_rank else ""
    return f"{scale.lowest} to {scale.highest}{best}"


def _segmented(plan: Plan) -> Iterator[tuple[str, str]]:
    """(network, class) in the order of the table: networks first, as in the paper."""
    for network in plan.segmentations:
        for label_class in plan.class_names:
            yield network, label_class
