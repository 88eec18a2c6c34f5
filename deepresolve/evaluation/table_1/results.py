"""What an evaluation found: plain data, from which tables and figures are made."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from deepresolve.evaluation.results import EvaluatedSubject, Measurement, Timing
from deepresolve.evaluation.supplement import Supplement
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.imaging.volume import Volume


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
    """The volumes of one subject as they were measured, for the figures.

    Attributes:
      subject: its name.
      images: by image set, the ground truth first; in units of its scale.
      reference: uint8 label map in the numbers of the classes; None without classes.
      label_maps: what "seg" made of each image set; empty without it.
    """

    subject: str
    images: Mapping[str, Volume]
    reference: Volume | None = None
    label_maps: Mapping[str, Volume] = dataclasses.field(default_factory=dict)

    @property
    def ground_truth(self) -> Volume:
        """The thin-slice scan."""
        return self.images["ground_truth"]


class LeftOut(NamedTuple):
    """Cartilage that could not be measured, and why.

    Attributes:
      subject: name of the scan.
      network: whose label map it is; "" where it is the reference's, and so all of the
        subject.
      image_set: that was segmented; "" of the reference.
      reason: why.
      metric: what could not be measured of it, such as its thickness.
    """

    subject: str
    network: str
    image_set: str
    reason: str
    metric: str


class Found(NamedTuple):
    """What is found of one subject's cartilage.

    Attributes:
      measurements: of each place, in its reference and in each image set.
      left_out: what could not be measured.
    """

    measurements: list[Measurement]
    left_out: list[LeftOut]


@dataclasses.dataclass(frozen=True, eq=False)
class Results:
    """Everything that the report is made from.

    Attributes:
      plan: what was done.
      subjects: facts of the subjects, in the order of the run.
      measurements: every number, subject by subject.
      timings: how long each network took for each volume.
      example: the FIRST subject's volumes: no choice by result.
      left_out: cartilage that could not be measured.
    """

    plan: Plan
    subjects: tuple[EvaluatedSubject, ...]
    measurements: tuple[Measurement, ...]
    timings: tuple[Timing, ...]
    example: Example
    left_out: tuple[LeftOut, ...] = ()

    def values(
        self,
        metric: str,
        image_set: str,
        *,
        network: str = "sr",
        label_class: str | None = None,
    ) -> list[float]:
        """One number per subject, in the order of the run; none if not measured."""
        wanted = (metric, image_set, network, label_class)
        return [
            m.value
            for m in self.measurements
            if (m.metric, m.image_set, m.source, m.label_class) == wanted
        ]

    def seconds(self, network: str) -> list[float]:
        """What a network took for each volume that it was given."""
        return [t.seconds for t in self.timings if t.network == network]


@dataclasses.dataclass(frozen=True, eq=False)
class Analysis:
    """What the report and the figures are made from.

    Attributes:
      results: what was measured.
      tests: rows of `paired_tests.paired_tests`.
      volumes: rows of `volumes.agreement`.
      thickness: rows of `thickness.agreement`.
      thickness_tests: rows of `thickness.tests`.
      t2: rows of `relaxation.agreement`.
      t2_tests: rows of `relaxation.tests`.
      scores: of the same image sets, from elsewhere; None without any.
    """

    results: Results
    tests: list[dict[str, Any]]
    volumes: list[dict[str, Any]]
    thickness: list[dict[str, Any]]
    thickness_tests: list[dict[str, Any]]
    t2: list[dict[str, Any]]
    t2_tests: list[dict[str, Any]]
    scores: Supplement | None = None
