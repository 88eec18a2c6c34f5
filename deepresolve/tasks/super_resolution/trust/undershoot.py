"""What a network made darker than all that was acquired, and `predict` held there."""

from __future__ import annotations

from typing import Any

from deepresolve.imaging.floor import FAR, Undershoot
from deepresolve.tasks.findings import Finding, Section, digits

# Of all voxels, those far below; ours. Networks of the demo and of the package: up to
# 0.0002 on synthetic knees, a real knee and a head, 0.006 on a second echo with dark
# air beside bright joint fluid.
_LARGEST_SHARE = 0.002


def section(found: Undershoot) -> Section:
    """Of the report on a result: what was held, and whether it is off."""
    return Section(to_dict(found), tuple(findings(found)))


def to_dict(found: Undershoot) -> dict[str, Any]:
    """As JSON values."""
    return {
        "measured": True,
        "held_at": found.floor,
        "share": digits(found.share),
        "share_far": digits(found.share_far),
        "far": f"by more than {FAR} of the intensity range",
        "largest": digits(found.largest),
        "unit": "shares of all voxels; largest: of the intensity range",
    }


def findings(found: Undershoot) -> list[Finding]:
    """Whether so many voxels were held that it matters."""
    if found.share_far <= _LARGEST_SHARE:
        return []
    text = (
        f"{100 * found.share:.2g}% of the voxels came out darker than any that was "
        f"acquired and were held at {found.floor:.6g}; {100 * found.share_far:.2g}% "
        f"were darker by more than {100 * FAR:.0f}% of the intensity range, the worst "
        f"by {100 * found.largest:.2g}%. Look at dark tissue beside bright."
    )
    return [Finding("undershoot", digits(found.share_far), [0, _LARGEST_SHARE], text)]
