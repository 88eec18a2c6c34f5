"""Numbers as tables print them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

NOT_APPLICABLE = "n/a"


def number_text(value: float, form: str) -> str:
    """`value` in a format, n/a for NaN and inf for infinity."""
    if math.isnan(value):
        return NOT_APPLICABLE
    return format(value, form) if math.isfinite(value) else str(value)


def mean_sd_text(row: Mapping[str, Any], scale: float) -> str:
    """A row of `rows.summary_rows` as "90.20 ± 1.80"; n where there is no SD."""
    mean = number_text(row["mean"] * scale, ".2f")
    if math.isnan(row["sd"]):
        return f"{mean} (n = {row['n']})"
    return f"{mean} ± {row['sd'] * scale:.2f}"


def p_text(p: float) -> str:
    """A probability with three decimals."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"
