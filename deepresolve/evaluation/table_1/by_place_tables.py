"""Tables of what is measured place by place, and what is said of those left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deepresolve.evaluation.paired import SIGNIFICANCE, least_corrected_p
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import Results
from deepresolve.evaluation.tables import TESTS_HEADER, test_line
from deepresolve.reports.document import Block, Paragraph, Table
from deepresolve.reports.number_text import NOT_APPLICABLE, number_text

_SHOWN = 3  # of what could not be measured for one reason


def errors_table(
    plan: Plan,
    rows: Sequence[Mapping[str, Any]],
    unit: str,
    decimals: tuple[int, int] = (2, 3),
) -> Table:
    """Errors by place, a column an image set; those of fewer subjects say of how many.

    Args:
      plan: what was done.
      rows: of `by_place.agreement`, of one network.
      unit: of the numbers.
      decimals: of the reference and of errors.
    """
    of_reference, of_errors = (f".{count}f" for count in decimals)
    cells = {(row["place"], row["image_set"]): row for row in rows}
    lines = []
    for place in dict.fromkeys(row["place"] for row in rows):
        shown = [cells.get((place, image_set)) for image_set in plan.titles]
        most = max((row for row in shown if row), key=lambda row: row["n"])
        errors = (_error_text(row, most["n"], of_errors) for row in shown)
        reference = number_text(most["reference"], of_reference)
        lines.append((place, str(most["n"]), reference, *errors))
    header = ("Place", "n", f"Reference ({unit})", *plan.titles.values())
    return Table(header, tuple(lines))


def _error_text(row: Mapping[str, Any] | None, most: int, form: str) -> str:
    """Mean and standard deviation; of how many, where others have more."""
    if row is None:
        return NOT_APPLICABLE
    few = f" (n = {row['n']})" if row["n"] < most else ""
    bias, sd = number_text(row["bias"], "+" + form), number_text(row["sd"], form)
    return f"{bias} ± {sd}{few}"


def tests_table(
    plan: Plan, tests: Sequence[Mapping[str, Any]], title: str, scale: float = 1.0
) -> Table:
    """Whether places err less on one image set than on the other.

    Args:
      plan: what was done.
      tests: rows of `by_place.tests`.
      title: what errs, and in which unit.
      scale: of that unit.
    """
    rows = tuple(
        test_line(
            test,
            f"{title}, {test['class']}",
            f"{plan.titles[test['a']]} - {plan.titles[test['b']]}",
            scale,
        )
        for test in tests
    )
    return Table(TESTS_HEADER, rows, num_text_columns=2)


def test_notes(tests: Sequence[Mapping[str, Any]], family: str) -> Iterator[Block]:
    """What a reader must know to weigh the tests."""
    yield Paragraph("Of whole plates alone; p is corrected after Holm over them.")
    if (least := least_corrected_p(tests, family)) >= SIGNIFICANCE:
        yield Paragraph(
            "Too few subjects to tell a difference: whatever the images, the smallest "
            f"corrected p cannot be below {least:.3g}."
        )


def left_out(results: Results, metric: str, title: str) -> Iterator[Block]:
    """What could not be measured, each reason once.

    Args:
      results: what was measured.
      metric: what could not be measured.
      title: its name, as a sentence begins with it.
    """
    plan = results.plan
    all_left = [left for left in results.left_out if left.metric == metric]
    for reason in dict.fromkeys(left.reason for left in all_left):
        where = [
            f"{left.subject} ({plan.networks[left.network].title}, "
            f"{plan.titles[left.image_set]})"
            if left.network
            else left.subject
            for left in all_left
            if left.reason == reason
        ]
        more = f" and {len(where) - _SHOWN} more" if len(where) > _SHOWN else ""
        shown = ", ".join(where[:_SHOWN]) + more
        yield Paragraph(f"{title} is left out of {shown}: {reason.rstrip('. ')}.")
