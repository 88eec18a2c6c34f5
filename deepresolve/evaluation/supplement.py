"""Scores of the same image sets that come from elsewhere, as plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from deepresolve.evaluation.results import Measurement
from deepresolve.reports.document import Block


@dataclasses.dataclass(frozen=True)
class Scale:
    """A question whose answers are numbers.

    Attributes:
      name: of the metric, such as "diq" or "rank".
      title: as it was asked.
      lowest: least score or rank that could be given.
      highest: greatest one, the best.
      is_rank: whether image sets were ranked against each other.
    """

    name: str
    title: str
    lowest: int
    highest: int
    is_rank: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Supplement:
    """Scores, tests of them, and what a report says of both.

    Attributes:
      scales: what was asked, by name of the metric.
      measurements: a number a subject, image set and metric. All image sets of a metric
        have the same subjects.
      tests: of pairs of image sets: dicts of family, metric, class, network, a, b, the
        numbers of `paired.compared` and p_holm.
      facts: what a reader of a report must know of the scores, by name.
      blocks: their section of a report.
    """

    scales: Mapping[str, Scale]
    measurements: tuple[Measurement, ...]
    tests: list[dict[str, Any]]
    facts: Mapping[str, Any]
    blocks: tuple[Block, ...] = ()
