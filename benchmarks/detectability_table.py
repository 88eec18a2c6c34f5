"""Areas under ROC curves by the width of a defect, and what they say of two readers."""

from __future__ import annotations

import csv
import pathlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from deepresolve.metrics import roc


class Scores(NamedTuple):
    """What a network says of places, ordered by their names.

    Attributes:
      names: as `detectability_crops` names scans.
      is_there: (n,) bool.
      probability: (n,) float64.
    """

    names: tuple[str, ...]
    is_there: np.ndarray
    probability: np.ndarray

    @property
    def knees(self) -> np.ndarray:
        """(n,) str, the knee of each place."""
        return np.array([name.split("_")[0] for name in self.names])

    @property
    def width_mm(self) -> np.ndarray:
        """(n,) of the defect that is or might be there."""
        return np.array([int(name.split("_")[2]) / 10 for name in self.names])


def read(path: pathlib.Path) -> Scores:
    """The probabilities of an evaluation's compared.csv."""
    with path.open(newline="", encoding="utf-8") as file:
        found = [r for r in csv.DictReader(file) if r["kind"] == "probabilities"]
    found.sort(key=lambda row: row["subject"])
    return Scores(
        tuple(row["subject"] for row in found),
        np.array([float(row["reference"]) > 0 for row in found]),
        np.array([float(row["estimate"]) for row in found]),
    )


def text(reports: Mapping[str, pathlib.Path], first: str, second: str) -> str:
    """A table in Markdown, a line a width.

    Args:
      reports: compared.csv by the title of the images, all of the same knees.
      first: the images whose area is tested against those of
      second: these.

    Raises:
      ValueError: the reports are not of the same places.
    """
    scores = {title: read(path) for title, path in reports.items()}
    if len({of.names for of in scores.values()}) > 1:
        raise ValueError(
            f"{', '.join(map(str, reports.values()))} are of other places; expected "
            "the same ones. Delete the runs and reports of another --knees."
        )
    widths = scores[first].width_mm
    lines = [
        ["Width (mm)", "n", *reports, f"{first} - {second}", "p"],
        ["---"] * (len(reports) + 4),
    ]
    for name, chosen in {
        **{f"{width:g}": widths == width for width in np.unique(widths)},
        "all": widths > 0,
    }.items():
        lines.append([name, *_cells(scores, chosen, first, second)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cells(
    scores: Mapping[str, Scores], chosen: np.ndarray, first: str, second: str
) -> list[str]:
    """Of one width."""
    is_there, knees = scores[first].is_there[chosen], scores[first].knees[chosen]
    said = {title: of.probability[chosen] for title, of in scores.items()}
    areas = [roc.area(is_there, one, knees) for one in said.values()]
    test = roc.area_test(is_there, said[first], said[second], knees)
    return [
        f"{np.count_nonzero(is_there)} + {np.count_nonzero(~is_there)}",
        *(f"{of.value:.3f} ({of.low:.3f} to {of.high:.3f})" for of in areas),
        f"{test.difference:+.3f} ({test.low:+.3f} to {test.high:+.3f})",
        f"{test.p:.3g}",
    ]
