"""What a report says of the thickness of cartilage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepresolve.evaluation.table_1 import by_place_tables
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import Analysis
from deepresolve.evaluation.table_1.thickness import FAMILY, PLATES, THICKNESS
from deepresolve.quantification import places
from deepresolve.reports.document import Block, Heading, Paragraph, Table
from deepresolve.reports.number_text import number_text

NOTE = (
    "Mean thickness minus that of the reference: mean ± standard deviation of the "
    "differences in mm. The bone is that of the subject's own labels, the cartilage "
    "the network's on each image set, so that no network needs to know bones; what it "
    "errs by on the ground truth is its own error, not that of an image. Places are "
    f"those of the OAI's tables: F all of the femur, P the patella, {places.KEY}; MFTC "
    "is MT and cMF, cMFTC is cMT and ccMF."
)
LOST = (
    "What a network lost of a knee is in no mean and in no test: both are of what was "
    "measured, and look better than the network is. What is lost:"
)


def section(analysis: Analysis) -> list[Block]:
    """Errors of thickness, and what could not be measured; nothing without either."""
    results = analysis.results
    left_out = list(by_place_tables.left_out(results, THICKNESS, "Thickness"))
    if not analysis.thickness and not left_out:
        return []
    blocks: list[Block] = [Heading("Thickness of cartilage")]
    if analysis.thickness:
        of_seg = [row for row in analysis.thickness if row["network"] == "seg"]
        blocks += [
            Paragraph(NOTE),
            by_place_tables.errors_table(results.plan, of_seg, "mm"),
            agreement_table(results.plan, analysis.thickness),
        ]
    if analysis.thickness_tests:
        blocks += [
            by_place_tables.tests_table(
                results.plan, analysis.thickness_tests, "Thickness, |error| (µm)", 1000
            ),
            *by_place_tables.test_notes(analysis.thickness_tests, FAMILY),
        ]
    if analysis.thickness and any(left.network for left in results.left_out):
        blocks.append(Paragraph(LOST))
    return blocks + left_out


def agreement_table(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Agreement of whole plates, after Bland and Altman.

    Args:
      plan: what was done.
      rows: of `thickness.agreement`.
    """
    header = (
        *("Plate", "Network", "Image set", "n", "Bias (mm)"),
        *("Limits of agreement (mm)", "Mean |error| (mm)", "RMS-CV (%)"),
    )
    lines = []
    for row in rows:
        if row["place"] not in PLATES:
            continue
        bias, lower, upper = (
            number_text(row[key], "+.3f") for key in ("bias", "lower", "upper")
        )
        lines.append(
            (
                row["place"],
                plan.networks[row["network"]].title,
                plan.titles[row["image_set"]],
                str(row["n"]),
                bias,
                f"{lower} to {upper}",
                number_text(row["mean_error"], ".3f"),
                number_text(100 * row["rms_cv"], ".2f"),
            )
        )
    return Table(header, tuple(lines), num_text_columns=3)
