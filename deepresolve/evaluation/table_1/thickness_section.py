"""What a report says of the thickness of cartilage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepresolve.evaluation.paired import SIGNIFICANCE, least_corrected_p
from deepresolve.evaluation.table_1 import thickness
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import Analysis, Results
from deepresolve.evaluation.tables import TESTS_HEADER, test_line
from deepresolve.quantification import places
from deepresolve.reports.document import Block, Heading, Paragraph, Table
from deepresolve.reports.number_text import NOT_APPLICABLE, number_text

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
_SHOWN = 3  # of what could not be measured for one reason


def section(analysis: Analysis) -> list[Block]:
    """Errors of thickness, and what could not be measured; nothing without either."""
    results = analysis.results
    if not analysis.thickness and not results.left_out:
        return []
    blocks: list[Block] = [Heading("Thickness of cartilage")]
    if analysis.thickness:
        blocks += [
            Paragraph(NOTE),
            errors_table(results.plan, analysis.thickness),
            agreement_table(results.plan, analysis.thickness),
        ]
    if analysis.thickness_tests:
        blocks += [
            tests_table(results.plan, analysis.thickness_tests),
            *_test_notes(analysis.thickness_tests),
        ]
    if analysis.thickness and any(left.network for left in results.left_out):
        blocks.append(Paragraph(LOST))
    return blocks + [Paragraph(text) for text in _left_out(results)]


def errors_table(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> Table:
    """Errors by place, a column an image set.

    Args:
      plan: what was done.
      rows: of `thickness.agreement`; those of the network "seg" are shown.
    """
    of_seg = [row for row in rows if row["network"] == "seg"]
    cells = {(row["place"], row["image_set"]): row for row in of_seg}
    lines = []
    for place in dict.fromkeys(row["place"] for row in of_seg):
        shown = [cells.get((place, image_set)) for image_set in plan.titles]
        most = max((row for row in shown if row), key=lambda row: row["n"])
        errors = (_error_text(row, most["n"]) for row in shown)
        lines.append((place, number_text(most["reference"], ".2f"), *errors))
    return Table(("Place", "Reference (mm)", *plan.titles.values()), tuple(lines))


def _error_text(row: Mapping[str, Any] | None, most: int) -> str:
    """Mean and standard deviation in mm; of how many, where others have more."""
    if row is None:
        return NOT_APPLICABLE
    few = f" (n = {row['n']})" if row["n"] < most else ""
    return f"{row['bias']:+.3f} ± {number_text(row['sd'], '.3f')}{few}"


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
        if row["place"] not in thickness.PLATES:
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


def tests_table(plan: Plan, tests: Sequence[Mapping[str, Any]]) -> Table:
    """Whether thickness errs less on one image set than on the other.

    Args:
      plan: what was done.
      tests: rows of `thickness.tests`.
    """
    rows = tuple(
        test_line(
            test,
            f"Thickness, |error| (µm), {test['class']}",
            f"{plan.titles[test['a']]} - {plan.titles[test['b']]}",
            1000,
        )
        for test in tests
    )
    return Table(TESTS_HEADER, rows, num_text_columns=2)


def _test_notes(tests: Sequence[Mapping[str, Any]]) -> Iterator[Block]:
    """What a reader must know to weigh the tests."""
    yield Paragraph("Of whole plates alone; p is corrected after Holm over them.")
    if (least := least_corrected_p(tests, thickness.FAMILY)) >= SIGNIFICANCE:
        yield Paragraph(
            "Too few subjects to tell a difference: whatever the images, the smallest "
            f"corrected p cannot be below {least:.3g}."
        )


def _left_out(results: Results) -> Iterator[str]:
    """What could not be measured, each reason once."""
    plan = results.plan
    for reason in dict.fromkeys(left.reason for left in results.left_out):
        where = [
            f"{left.subject} ({plan.networks[left.network].title}, "
            f"{plan.titles[left.image_set]})"
            if left.network
            else left.subject
            for left in results.left_out
            if left.reason == reason
        ]
        more = f" and {len(where) - _SHOWN} more" if len(where) > _SHOWN else ""
        shown = ", ".join(where[:_SHOWN]) + more
        yield f"Thickness is left out of {shown}: {reason.rstrip('.')}."
