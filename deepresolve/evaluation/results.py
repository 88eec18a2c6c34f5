"""What an evaluation finds: plain numbers, of a subject or of a cohort."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One number of one subject.

    Attributes:
      subject: name of the scan.
      person: whom it is of; several scans may be of one person. "" if not known.
      source: who or what made that which was measured: the part that a network plays,
        such as "seg", or those who scored an image.
      image_set: what was measured, or what the source was given.
      metric: name of the metric, or of the question.
      label_class: the tissue; None for a number of the whole image.
      value: infinite where there is no bound, as the metric's meaning says.
    """

    subject: str
    person: str
    source: str
    image_set: str
    metric: str
    label_class: str | None
    value: float


@dataclasses.dataclass(frozen=True)
class CohortMeasurement:
    """One number of all subjects together.

    Attributes:
      source: who or what made that which was measured: the part that a network plays,
        such as "seg", or those who scored an image.
      image_set: what was measured, or what the source was given.
      metric: name of the metric.
      label_class: the tissue; None for a number of the whole image.
      value: NaN where it is not defined.
      n: number of subjects.
      unit: of the values that were compared, such as "mm³"; "" for all else.
    """

    source: str
    image_set: str
    metric: str
    label_class: str | None
    value: float
    n: int
    unit: str = ""


@dataclasses.dataclass(frozen=True)
class Compared:
    """What a number of the cohort rests on: one estimate beside its reference.

    Attributes:
      subject: name of the scan.
      person: whom it is of; several scans may be of one person. "" if not known.
      source: who or what made the estimate.
      image_set: what it was made of.
      kind: what both are: "values", "classes" or "probabilities".
      label_class: the tissue or the grade; None for the whole image.
      reference: what should have been found.
      estimate: what was found.
      unit: of values, such as "mm³"; "" for all else.
    """

    subject: str
    person: str
    source: str
    image_set: str
    kind: str
    label_class: str | None
    reference: float
    estimate: float
    unit: str = ""


@dataclasses.dataclass(frozen=True)
class EvaluatedSubject:
    """Facts of one subject's whole scan."""

    subject: str
    person: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]


@dataclasses.dataclass(frozen=True)
class Timing:
    """Seconds that a network took to make, or to segment, one image set."""

    subject: str
    network: str
    image_set: str
    seconds: float
