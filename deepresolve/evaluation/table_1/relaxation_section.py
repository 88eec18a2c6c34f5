"""What a report says of T2 in cartilage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepresolve.evaluation.table_1 import by_place_tables
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.relaxation import REFERENCES, T2, Beside
from deepresolve.evaluation.table_1.results import Analysis, Results
from deepresolve.evaluation.table_1.thickness import PLATES
from deepresolve.quantification import places
from deepresolve.reports.document import Block, Heading, Paragraph, Table
from deepresolve.reports.number_text import number_text

NOTE = (
    "Each echo is thickened and brought back by itself, and one exponential is fitted "
    "to both. Places and layers (the half of the cartilage at the bone, and that at "
    "its surface; those of regions stand in report.json) are those of the subject's "
    "own labels, so that only the images differ. The first table has mean T2 of each "
    "place minus that of the reference over the same voxels: mean ± standard deviation "
    "of the differences in ms. In it errors cancel; in the second, of single voxels, "
    "they do not, and it is what the tests are of. T2 that is known is that of voxels' "
    "centres, and echoes are means over voxels: at the surface, beside fluid, thin "
    "slices err, too. Places are those of the OAI's tables: F all of the femur, P the "
    f"patella, {places.KEY}."
)


def section(analysis: Analysis) -> list[Block]:
    """Errors of T2, and what could not be measured; nothing without either."""
    results = analysis.results
    left_out = list(by_place_tables.left_out(results, T2, "T2"))
    if not analysis.t2 and not left_out:
        return []
    blocks: list[Block] = [Heading("T2 of cartilage")]
    if analysis.t2:
        blocks.append(Paragraph(NOTE))
    for beside in REFERENCES:
        blocks += _beside(analysis, beside)
    return blocks + left_out


def _beside(analysis: Analysis, beside: Beside) -> Iterator[Block]:
    """What is said of one reference; nothing where it was never there."""
    plan = analysis.results.plan
    rows = [row for row in analysis.t2 if row["metric"] == beside.means.metric]
    if not rows:
        return
    yield Paragraph(_opening(analysis.results, beside))
    shown = [row for row in rows if _is_shown(row["place"])]
    yield by_place_tables.errors_table(plan, shown, "ms", (1, 2))
    yield voxels_table(plan, [row for row in rows if row["place"] in PLATES])
    tests = [test for test in analysis.t2_tests if test["metric"] == beside.voxel_error]
    if tests:
        title = "T2 of voxels, |error| (ms)"
        yield by_place_tables.tests_table(plan, tests, title)
        yield from by_place_tables.test_notes(tests, beside.voxel_error)


def voxels_table(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Errors of single voxels, and how their means agree, of whole plates.

    Args:
      plan: what was done.
      rows: of `relaxation.agreement`, beside one reference.
    """
    header = (
        *("Plate", "Image set", "n", "Voxels: mean |error| (ms)", "Without T2 (%)"),
        *("Mean: limits of agreement (ms)", "RMS-CV (%)"),
    )
    lines = []
    for row in rows:
        lower, upper = (number_text(row[key], "+.2f") for key in ("lower", "upper"))
        lines.append(
            (
                row["place"],
                plan.titles[row["image_set"]],
                str(row["n"]),
                number_text(row["voxel_error"], ".2f"),
                number_text(100 * row["without"], ".1f"),
                f"{lower} to {upper}",
                number_text(100 * row["rms_cv"], ".2f"),
            )
        )
    return Table(header, tuple(lines), num_text_columns=2)


def _opening(results: Results, beside: Beside) -> str:
    """What the tables are beside, and of how many scans."""
    names = {m.subject for m in results.measurements if m.metric == beside.voxel_error}
    of = f"{len(names)} of {len(results.subjects)} scans"
    return f"Beside {beside.title} ({of}):"


def _is_shown(place: str) -> bool:
    """Plates and their layers, and regions as a whole; report.json has all."""
    name, _, layer = place.partition(", ")
    return name in PLATES or not layer
