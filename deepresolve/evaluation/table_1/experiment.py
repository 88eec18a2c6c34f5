"""Runs the comparison over held-out subjects, one in memory at a time.

A subject's thin-slice scan is the ground truth. It is thickened and brought back
(`restoration`); image sets are measured in units of the GROUND TRUTH's scale, so that
`data_range` is 1, and from the first acquired slice to the last. Segmentations are run
on the image sets, each scaled by its own percentiles, and measured against the
subject's own labels over the same slices.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from deepresolve.evaluation.table_1 import segmentation
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.restoration import acquired_span, restored_images
from deepresolve.evaluation.table_1.results import (
    EvaluatedSubject,
    Example,
    Measurement,
    Results,
    Timing,
)
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.mirroring import left_right_axis
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import Metric
from deepresolve.system import progress_bar

DATA_RANGE = 1.0


class Subject(Protocol):
    """What is needed of a held-out subject; `records.reader` yields such ones.

    Attributes:
      subject: name of the scan.
      person: name of the person scanned; several subjects may be of one person.
      image: canonical thin-slice scan, array[row, column, slice], in scan units.
      label: uint8 labels on its grid; None where there are none.
      scale: intensities of `image` that are 0 and 1 when it is measured.
    """

    subject: str
    person: str
    image: Volume
    label: Volume | None
    scale: IntensityScale


OnImages = Callable[[Subject, Mapping[str, Volume]], None]


@dataclasses.dataclass(frozen=True, eq=False)
class _Evaluated:
    """All that is kept of one subject."""

    facts: EvaluatedSubject
    measurements: list[Measurement]
    timings: list[Timing]
    example: Example


def evaluate(
    subjects: Iterable[Subject],
    plan: Plan,
    *,
    num_subjects: int | None = None,
    on_images: OnImages | None = None,
    on_subject: Callable[[Sequence[Measurement]], None] | None = None,
) -> Results:
    """Measures every subject as the plan says.

    Args:
      subjects: held-out scans; read one at a time, so an iterator will do.
      plan: what is done with each.
      num_subjects: how many there are, for the progress bar alone.
      on_images: called with each subject and its image sets, by name in scan units over
        the measured slices, the ground truth in the scan's own dtype and the others
        float32, before they are let go.
      on_subject: called with the numbers of each subject as soon as they are there.

    Raises:
      ValueError: there are no subjects, two have one name, or one cannot be measured;
        the message names it.
    """
    facts, measurements, timings, example = {}, [], [], None
    for subject in progress_bar.each(subjects, "evaluation", num_subjects, "volume"):
        if subject.subject in facts:
            raise ValueError(f"Subject {subject.subject!r} came twice.")
        evaluated = _evaluate(subject, plan, on_images)
        facts[subject.subject] = evaluated.facts
        measurements += evaluated.measurements
        timings += evaluated.timings
        example = example or evaluated.example
        if on_subject is not None:
            on_subject(evaluated.measurements)
        del subject, evaluated  # not to be held while the next one is read
    if example is None:
        raise ValueError("There are no subjects to evaluate.")
    return Results(
        plan=plan,
        subjects=tuple(facts.values()),
        measurements=tuple(measurements),
        timings=tuple(timings),
        example=example,
    )


def _evaluate(subject: Subject, plan: Plan, on_images: OnImages | None) -> _Evaluated:
    try:
        images, timings = _image_sets(subject, plan)
        reference = _reference(subject, plan)
        label_maps: dict[str, dict[str, Volume]] = {}
        for network in plan.segmentations:
            label_maps[network], more = _segment(subject.subject, network, images, plan)
            timings += more
        scaled = {
            name: image.with_array(subject.scale.apply(image.array))
            for name, image in images.items()
        }
        numbers = [*_measure_images(scaled, plan.metrics)]
        numbers += _measure_label_maps(reference, label_maps, plan)
        if on_images is not None:
            on_images(subject, images)
    except ValueError as error:
        raise ValueError(f"Subject {subject.subject!r}: {error}") from error
    return _Evaluated(
        EvaluatedSubject(
            subject.subject,
            subject.person,
            subject.image.shape,
            subject.image.spacing_mm,
        ),
        [Measurement(subject.subject, subject.person, *number) for number in numbers],
        timings,
        Example(subject.subject, scaled, reference, label_maps.get("seg", {})),
    )


def _image_sets(subject: Subject, plan: Plan) -> tuple[dict[str, Volume], list[Timing]]:
    """The plan's image sets in scan units, the ground truth first."""
    factor = plan.downsample_factor
    if factor is None:
        return {"ground_truth": subject.image}, []
    network = plan.networks.get("sr")
    restored, seconds = restored_images(
        subject.image,
        None if network is None else network.run,
        downsample_factor=factor,
    )
    truth = acquired_span(subject.image, factor)
    timings = [Timing(subject.subject, "sr", "sr", seconds)] if network else []
    return {"ground_truth": truth, **restored}, timings


def _reference(subject: Subject, plan: Plan) -> Volume | None:
    """The subject's labels in the numbers of the classes, over the measured slices."""
    if plan.classes is None:
        return None
    if subject.label is None:
        raise ValueError("A segmentation is measured against labels; it has none.")
    reference = plan.classes.reference(subject.label)
    if plan.downsample_factor is None:
        return reference
    return acquired_span(reference, plan.downsample_factor)


def _segment(
    subject: str, network: str, images: Mapping[str, Volume], plan: Plan
) -> tuple[dict[str, Volume], list[Timing]]:
    """The network's label map of each image set that it is run on."""
    label_maps, timings = {}, []
    run = plan.networks[network].run
    for image_set in plan.segmented_sets(network):
        image = images[image_set]
        if plan.networks[network].flips:
            left_right = left_right_axis(image)
            run = functools.partial(plan.networks[network].run, left_right=left_right)
        label_maps[image_set], seconds = segmentation.segment(
            image, run, len(plan.classes.names)
        )
        timings.append(Timing(subject, network, image_set, seconds))
    return label_maps, timings


_Number = tuple[str, str, str, str | None, float]


def _measure_images(
    scaled: Mapping[str, Volume], metrics: Mapping[str, Metric]
) -> Iterator[_Number]:
    """Every image set but the ground truth, which all are measured against."""
    truth = scaled["ground_truth"]
    for image_set, image in scaled.items():
        if image is truth:
            continue
        for name, metric in metrics.items():
            value = metric(
                truth.array,
                image.array,
                spacing_mm=truth.spacing_mm,
                data_range=DATA_RANGE,
            )
            yield "sr", image_set, name, None, value


def _measure_label_maps(
    reference: Volume | None,
    label_maps: Mapping[str, Mapping[str, Volume]],
    plan: Plan,
) -> Iterator[_Number]:
    for network, by_image_set in label_maps.items():
        for image_set, estimate in by_image_set.items():
            for metric, label_class, value in segmentation.measure(
                reference, estimate, plan.classes.names, plan.label_metrics
            ):
                yield network, image_set, metric, label_class, value
