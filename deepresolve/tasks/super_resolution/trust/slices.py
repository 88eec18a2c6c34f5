"""What is off about the acquired slices themselves, before any network sees them."""

from __future__ import annotations

from typing import Any

import numpy as np

from deepresolve.imaging import slice_steps
from deepresolve.imaging.slice_steps import SliceSteps
from deepresolve.imaging.volume import Volume
from deepresolve.system import wording
from deepresolve.tasks.findings import Finding, Section, digits

_MAX_SHOWN = 5


def section(scan: Volume) -> Section:
    """Of the report on a result: steps between the slices of its scan.

    Args:
      scan: the acquired slices; of fewer than `slice_steps.FEWEST_SLICES` nothing is
        measured.
    """
    if scan.num_slices < slice_steps.FEWEST_SLICES:
        return Section(
            {"measured": False, "why": "there are too few slices to compare"}
        )
    found = slice_steps.measure(scan)
    return Section(to_dict(found), tuple(findings(found)))


def to_dict(found: SliceSteps) -> dict[str, Any]:
    """As JSON values; the first and the last slice have no two neighbours."""
    sizes_mm = np.hypot(*found.shifts_mm[1:-1].T)
    return {
        "measured": True,
        "odd_even": digits(found.odd_even),
        "odd_even_error": digits(found.odd_even_error),
        "odd_even_shift_mm": [digits(x) for x in found.odd_even_shift_mm],
        "shift_mm": {
            "median": digits(np.median(sizes_mm)),
            "largest": digits(sizes_mm.max()),
        },
        "jumps": list(found.jumps),
        "unit": "odd_even: odd over even slices, share of the mean signal; jumps: "
        "numbers of slices, from 1",
    }


def findings(found: SliceSteps) -> list[Finding]:
    """What of it no anatomy explains."""
    result = []
    if found.has_odd_even:
        odd_or_even = "odd" if found.odd_even > 0 else "even"
        text = (
            f"every other slice is brighter: the {odd_or_even} ones by "
            f"{100 * abs(found.odd_even):.2g}%. Slices that were acquired in two "
            "passes disturb each other; thin slices show it as stripes across them."
        )
        result.append(Finding("odd_even", digits(found.odd_even), 0, text))
    if found.has_odd_even_shift:
        size_mm = float(np.hypot(*found.odd_even_shift_mm))
        text = (
            f"every other slice lies {size_mm:.2g} mm aside: the patient moved between "
            "two passes. Edges across the slices come out jagged."
        )
        result.append(Finding("odd_even_shift_mm", digits(size_mm), 0, text))
    if found.jumps:
        shown = wording.listed([str(n) for n in found.jumps], _MAX_SHOWN)
        text = (
            f"apart from both their neighbours lie these slices of the scan: {shown}. "
            "The patient may have moved; do not trust thin slices beside them."
        )
        result.append(Finding("jumps", list(found.jumps), [], text))
    return result
