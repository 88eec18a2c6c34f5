"""What a report says of T2 in cartilage."""

from __future__ import annotations

from deepresolve.evaluation.table_1 import by_place_tables
from deepresolve.evaluation.table_1.relaxation import FAMILY, T2
from deepresolve.evaluation.table_1.results import Analysis
from deepresolve.evaluation.table_1.thickness import PLATES
from deepresolve.quantification import places
from deepresolve.reports.document import Block, Heading, Paragraph

NOTE = (
    "Mean T2 of each place minus that of the reference: mean ± standard deviation of "
    "the differences in ms. Each echo is thickened and brought back by itself, and T2 "
    "is fitted to both. Places and layers (the half of the cartilage at the bone, and "
    "that at its surface; those of regions stand in report.json) are those of the "
    "subject's own labels, so that only the images differ. A mean over many voxels may "
    "be right where single ones are not. Places are those of the OAI's tables: F all "
    f"of the femur, P the patella, {places.KEY}."
)


def section(analysis: Analysis) -> list[Block]:
    """Errors of T2, and what could not be measured; nothing without either."""
    results = analysis.results
    left_out = list(by_place_tables.left_out(results, T2, "T2"))
    if not analysis.t2 and not left_out:
        return []
    blocks: list[Block] = [Heading("T2 of cartilage")]
    if analysis.t2:
        shown = [row for row in analysis.t2 if _is_shown(row["place"])]
        table = by_place_tables.errors_table(results.plan, shown, "ms", (1, 2))
        blocks += [Paragraph(NOTE), table]
    if analysis.t2_tests:
        blocks += [
            by_place_tables.tests_table(
                results.plan, analysis.t2_tests, "T2, |error| (ms)"
            ),
            *by_place_tables.test_notes(analysis.t2_tests, FAMILY),
        ]
    return blocks + left_out


def _is_shown(place: str) -> bool:
    """Plates and their layers, and regions as a whole; report.json has all."""
    name, _, layer = place.partition(", ")
    return name in PLATES or not layer
