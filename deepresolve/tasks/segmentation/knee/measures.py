"""Millimetres of the knee that was segmented, with an interval around each."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from deepresolve.imaging.volume import Volume
from deepresolve.quantification.intervals import measure_with_intervals
from deepresolve.quantification.knee import KneeMeasures
from deepresolve.quantification.parts import CARTILAGE, parts
from deepresolve.tasks import knee_table
from deepresolve.tasks.findings import Finding, Section
from deepresolve.tasks.prediction import Row

# Name of the table, and so of its file; name in the report.
TABLE, SECTION = "cartilage", "measures"


@dataclasses.dataclass(frozen=True, eq=False)
class Measured:
    """What became of one label map.

    Attributes:
      section: of the report.
      summary: for the screen, behind what stands there.
      tables: rows by the table's name.
      knee: its measures; None where it could not be measured.
    """

    section: Section
    summary: str = ""
    tables: Mapping[str, Sequence[Row]] = dataclasses.field(default_factory=dict)
    knee: KneeMeasures | None = None


NOT_ASKED = Measured(Section({"measured": False, "why": "not asked for: --measure"}))


def check(class_names: Sequence[str]) -> None:
    """ValueError where no class is a cartilage, of which thickness could be told."""
    if not any(part.kind == CARTILAGE for part in parts(class_names).values()):
        raise ValueError(
            "--measure measures cartilage, and this run segments none: its classes are "
            f"{', '.join(class_names)}. Leave it out."
        )


def of(
    label_map: Volume,
    class_names: Sequence[str],
    shares: Mapping[str, Volume],
    readings: Sequence[Volume],
    side: str = "",
    sides_from: str = "",
) -> Measured:
    """The knee of a label map.

    Args:
      label_map: uint8; 0 is background, n the n-th class, counted from 1.
      class_names: the classes.
      shares: by class name, its probability, on the grid of the label map.
      readings: what else is said of the knee: by the mirror image.
      side: "right" or "left", which it is where no label tells; "": not known.
      sides_from: what the labels have their sides from, of
        `quantification.sides.SOURCES`; "": the network said them.
    """
    names = dict(enumerate(class_names, start=1))
    try:
        knee = measure_with_intervals(
            *(label_map, names),
            probabilities={value: shares[name] for value, name in names.items()},
            readings=readings,
            known_side=side,
        )
    except ValueError as error:
        why = f"not measured: {error}"
        return Measured(Section({"measured": False, "why": why}), f"; {why}")
    if sides_from:
        knee = dataclasses.replace(knee, side_from=sides_from)
    values = {
        "measured": True,
        "side": knee.side,
        "weight_bearing": knee.weight_bearing,
        "intervals": knee.intervals_from,
    }
    rows = {TABLE: knee_table.rows(knee)}
    findings = tuple(Finding("measures", None, None, note) for note in knee.notes)
    return Measured(Section(values, findings), f"; {knee.summary}", rows, knee)
