"""Runs the comparison over held-out subjects, one in memory at a time.

A subject's thin-slice scan is the ground truth. It is thickened, and what remains is
brought back to the thin grid in three ways: tricubic interpolation (TCI), Fourier
interpolation, and the network on top of TCI. The network gets what it would get in
the clinic: intensities scaled by the THICK scan's own percentiles. Every image set is
measured in units of the GROUND TRUTH's scale, so that `data_range` is 1, and from the
first acquired slice to the last: past it there is nothing to interpolate, and `predict`
makes no slices there.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import numpy as np
import tqdm

from deepresolve.evaluation import METRICS, Metric
from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.intensity import IntensityScale, estimate_scale
from deepresolve.imaging.volume import Volume

DATA_RANGE = 1.0
IMAGE_SETS = ("sr", "tci", "fourier")

Enhance = Callable[[np.ndarray], np.ndarray]


class Subject(Protocol):
    """What is needed of a held-out subject; `records.reader` yields such ones.

    Attributes:
      subject: name of the scan.
      person: name of the person scanned; several subjects may be of one person.
      image: canonical thin-slice scan, array[row, column, slice], in scan units.
      scale: intensities of `image` that are 0 and 1 when it is measured.
    """

    subject: str
    person: str
    image: Volume
    scale: IntensityScale


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One number: a metric of one image set of one subject.

    `label_class` names the tissue for metrics of label maps, and is None for images.
    """

    subject: str
    person: str
    image_set: str
    metric: str
    label_class: str | None
    value: float


@dataclasses.dataclass(frozen=True)
class EvaluatedSubject:
    """Facts of one subject's whole scan, and the seconds that the network took."""

    subject: str
    person: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    seconds: float


@dataclasses.dataclass(frozen=True, eq=False)
class Example:
    """The volumes of one subject, scaled as they were measured, for the figure."""

    subject: str
    ground_truth: Volume
    estimates: Mapping[str, Volume]


@dataclasses.dataclass(frozen=True, eq=False)
class Results:
    """Everything that the report and the figure are made from.

    Attributes:
      downsample_factor: thick slices were this many thin ones apart.
      metrics: name to Metric, in the order of the table.
      measurements: every number, subject by subject.
      subjects: facts of the subjects, in the order of the run.
      example: the FIRST subject's volumes: no choice by result.
    """

    downsample_factor: int
    metrics: Mapping[str, Metric]
    measurements: tuple[Measurement, ...]
    subjects: tuple[EvaluatedSubject, ...]
    example: Example

    def values(self, image_set: str, metric: str) -> list[float]:
        """One number per subject, in the order of the run."""
        return [
            m.value
            for m in self.measurements
            if (m.image_set, m.metric) == (image_set, metric)
        ]


def evaluate_super_resolution(
    subjects: Iterable[Subject],
    enhance: Enhance,
    *,
    downsample_factor: int,
    num_subjects: int | None = None,
    metrics: Mapping[str, Metric] = METRICS,
) -> Results:
    """Measures SR, TCI and Fourier interpolation of every subject.

    Args:
      subjects: held-out scans; read one at a time, so an iterator will do.
      enhance: takes float32 (rows, columns, slices), TCI on the thin grid scaled to
        about 0..1, and returns the super-resolved volume of the same shape.
      downsample_factor: D, from 2 to 8.
      num_subjects: how many there are, for the progress bar alone.
      metrics: name to Metric.

    Raises:
      ValueError: there are no subjects, two have one name, or one cannot be measured;
        the message names it.
    """
    evaluated, measurements, example = {}, [], None
    progress = tqdm.tqdm(
        subjects, "evaluate", num_subjects, unit="volume", disable=None
    )
    for subject in progress:
        if subject.subject in evaluated:
            raise ValueError(f"Subject {subject.subject!r} came twice.")
        facts, numbers, volumes = _evaluate(
            subject, enhance, downsample_factor, metrics
        )
        evaluated[facts.subject] = facts
        measurements += numbers
        example = example or volumes
        del subject, volumes  # not to be held while the next one is read
    if example is None:
        raise ValueError("There are no subjects to evaluate.")
    return Results(
        downsample_factor=downsample_factor,
        metrics=dict(metrics),
        measurements=tuple(measurements),
        subjects=tuple(evaluated.values()),
        example=example,
    )


def _evaluate(
    subject: Subject,
    enhance: Enhance,
    downsample_factor: int,
    metrics: Mapping[str, Metric],
) -> tuple[EvaluatedSubject, list[Measurement], Example]:
    try:
        estimates, seconds = restored_images(
            subject.image, enhance, downsample_factor=downsample_factor
        )
        truth = acquired_span(subject.image, downsample_factor)
        volumes = Example(
            subject.subject,
            _scaled(truth, subject.scale),
            {name: _scaled(image, subject.scale) for name, image in estimates.items()},
        )
        numbers = _measure(subject.person, volumes, metrics)
    except ValueError as error:
        raise ValueError(f"Subject {subject.subject!r}: {error}") from error
    facts = EvaluatedSubject(
        subject.subject,
        subject.person,
        subject.image.shape,
        subject.image.spacing_mm,
        seconds,
    )
    return facts, numbers, volumes


def acquired_span(image: Volume, downsample_factor: int) -> Volume:
    """The slices from the first that thickening keeps to the last that it keeps.

    Args:
      image: canonical thin-slice scan of n slices.
      downsample_factor: D; slices 0, D, 2D, ... are kept.

    Returns:
      The first floor((n - 1) / D) D + 1 slices: a view.
    """
    last = (image.num_slices - 1) // downsample_factor * downsample_factor
    return image.crop((slice(None), slice(None), slice(last + 1)))


def restored_images(
    image: Volume, enhance: Enhance, *, downsample_factor: int
) -> tuple[dict[str, Volume], float]:
    """Thickens a scan and brings it back: SR, TCI and Fourier on its own grid.

    Args:
      image: canonical thin-slice scan.
      enhance: see `evaluate_super_resolution`.
      downsample_factor: D, from 2 to 8.

    Returns:
      The volumes by name of image set, float32 in scan units on the grid of
      `acquired_span`, and the seconds that `enhance` took.

    Raises:
      ValueError: the network returned another shape or voxels that are not finite.
    """
    thick = thicken(image, downsample_factor)
    scale = estimate_scale(thick.array)
    cubic, fourier = (
        scale.apply(interpolate(thick, downsample_factor, method=method).array)
        for method in ("cubic", "fourier")
    )
    start = time.perf_counter()
    enhanced = np.asarray(enhance(cubic))
    seconds = time.perf_counter() - start
    if enhanced.shape != cubic.shape or not np.isfinite(enhanced).all():
        raise ValueError(
            f"The network must return finite voxels of shape {cubic.shape}; got "
            f"shape {enhanced.shape}, or NaN or infinity. Did its training diverge?"
        )
    # All three take the same way back, so a network that adds nothing equals TCI.
    scaled = {"sr": enhanced, "tci": cubic, "fourier": fourier}
    span = acquired_span(image, downsample_factor)
    volumes = {
        name: span.with_array(scale.invert(array)) for name, array in scaled.items()
    }
    return volumes, seconds


def _scaled(image: Volume, scale: IntensityScale) -> Volume:
    return image.with_array(scale.apply(image.array))


def _measure(
    person: str, scaled: Example, metrics: Mapping[str, Metric]
) -> list[Measurement]:
    truth = scaled.ground_truth
    return [
        Measurement(
            scaled.subject,
            person,
            image_set,
            name,
            label_class=None,
            value=metric(
                truth.array,
                scaled.estimates[image_set].array,
                spacing_mm=truth.spacing_mm,
                data_range=DATA_RANGE,
            ),
        )
        for image_set in IMAGE_SETS
        for name, metric in metrics.items()
    ]
