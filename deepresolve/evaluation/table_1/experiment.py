"""Runs the comparison over held-out subjects, one in memory at a time.

A subject's thin-slice scan is the ground truth. It is thickened and brought back
(`restoration`); image sets are measured in units of the GROUND TRUTH's scale, so that
`data_range` is 1, and from the first acquired slice to the last. Segmentations are run
on the image sets, each scaled by its own percentiles, and measured against the
subject's own labels over the same slices. A second echo takes the same way as the
image, and T2 is measured in both.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from deepresolve.evaluation import measuring
from deepresolve.evaluation.results import EvaluatedSubject, Measurement, Timing
from deepresolve.evaluation.table_1 import relaxation, segmentation, thickness
from deepresolve.evaluation.table_1.plan import Plan
from deepresolve.evaluation.table_1.results import Example, Found, LeftOut, Results
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.comparison import Comparison
from deepresolve.tasks.held_out import Subject
from deepresolve.tasks.segmentation.measuring import class_comparisons, reference
from deepresolve.tasks.super_resolution.measuring import image_comparisons
from deepresolve.tasks.super_resolution.restoration import (
    acquired_span,
    restored_images,
)

OnImages = Callable[[Subject, Mapping[str, Volume]], None]


@dataclasses.dataclass(frozen=True, eq=False)
class _Evaluated:
    """All that is kept of one subject."""

    facts: EvaluatedSubject
    measurements: list[Measurement]
    timings: list[Timing]
    example: Example
    left_out: list[LeftOut]


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
    facts: list[EvaluatedSubject] = []
    measurements: list[Measurement] = []
    timings: list[Timing] = []
    examples: list[Example] = []
    left_out: list[LeftOut] = []
    work = functools.partial(_evaluate, plan=plan, on_images=on_images)
    for evaluated in measuring.each(subjects, work, num_subjects):
        facts.append(evaluated.facts)
        measurements += evaluated.measurements
        timings += evaluated.timings
        left_out += evaluated.left_out
        if not examples:
            examples.append(evaluated.example)
        if on_subject is not None:
            on_subject(evaluated.measurements)
        del evaluated  # not to be held while the next subject is read
    return Results(
        plan=plan,
        subjects=tuple(facts),
        measurements=tuple(measurements),
        timings=tuple(timings),
        example=examples[0],
        left_out=tuple(left_out),
    )


def _evaluate(subject: Subject, plan: Plan, on_images: OnImages | None) -> _Evaluated:
    images, timings = _image_sets(subject.image, subject.subject, plan)
    true = _reference(subject, plan)
    label_maps: dict[str, dict[str, Volume]] = {}
    for network in plan.segmentations:
        label_maps[network], more = _segment(subject.subject, network, images, plan)
        timings += more
    scaled = {
        name: image.with_array(subject.scale.apply(image.array))
        for name, image in images.items()
    }
    numbers = [
        number
        for comparison in _comparisons(scaled, true, label_maps, plan)
        for number in measuring.of_comparison(subject, comparison, plan.metrics)
    ]
    cartilage = [_thickness(subject, label_maps, plan), _t2(subject, images, plan)]
    if on_images is not None:
        on_images(subject, images)
    return _Evaluated(
        measuring.facts(subject),
        numbers + [number for found in cartilage for number in found.measurements],
        timings,
        Example(subject.subject, scaled, true, label_maps.get("seg", {})),
        [left for found in cartilage for left in found.left_out],
    )


def _image_sets(
    image: Volume, subject: str, plan: Plan
) -> tuple[dict[str, Volume], list[Timing]]:
    """The plan's image sets in scan units, the ground truth first."""
    factor = plan.downsample_factor
    if factor is None:
        return {"ground_truth": image}, []
    network = plan.networks.get("sr")
    restored, seconds = restored_images(
        image,
        None if network is None else network.run,
        downsample_factor=factor,
    )
    truth = acquired_span(image, factor)
    timings = [Timing(subject, "sr", "sr", seconds)] if seconds is not None else []
    return {"ground_truth": truth, **restored}, timings


def _reference(subject: Subject, plan: Plan) -> Volume | None:
    """The subject's labels in the numbers of the classes, over the measured slices."""
    if plan.classes is None:
        return None
    return _measured(reference(subject, plan.classes), plan)


def _measured(label: Volume, plan: Plan) -> Volume:
    """The slices of a label map that are measured."""
    if plan.downsample_factor is None:
        return label
    return acquired_span(label, plan.downsample_factor)


def _thickness(
    subject: Subject, label_maps: Mapping[str, Mapping[str, Volume]], plan: Plan
) -> Found:
    """Thickness of cartilage, in the subject's labels and in each label map."""
    if subject.label is None or not label_maps:
        return Found([], [])
    return thickness.of_subject(
        subject, _measured(subject.label, plan), label_maps, plan
    )


def _t2(subject: Subject, images: Mapping[str, Volume], plan: Plan) -> Found:
    """T2 of cartilage in each image set, where scans are thickened and have echoes."""

    def bring_back(volume: Volume) -> dict[str, Volume]:
        return _image_sets(volume, subject.subject, plan)[0]

    return relaxation.of_subject(subject, images, bring_back, plan)


def _segment(
    subject: str, network: str, images: Mapping[str, Volume], plan: Plan
) -> tuple[dict[str, Volume], list[Timing]]:
    """The network's label map of each image set that it is run on."""
    label_maps, timings = {}, []
    run = plan.networks[network].run
    for image_set in plan.segmented_sets(network):
        label_maps[image_set], seconds = segmentation.segment(
            images[image_set], run, len(plan.class_names)
        )
        timings.append(Timing(subject, network, image_set, seconds))
    return label_maps, timings


def _comparisons(
    scaled: Mapping[str, Volume],
    true: Volume | None,
    label_maps: Mapping[str, Mapping[str, Volume]],
    plan: Plan,
) -> Iterator[Comparison]:
    """Each image set beside the ground truth, then the classes of each label map."""
    images = dict(scaled)
    yield from image_comparisons(images.pop("ground_truth"), images)
    if true is None:
        return
    for network, by_image_set in label_maps.items():
        for image_set, estimate in by_image_set.items():
            yield from class_comparisons(
                true,
                estimate,
                plan.class_names,
                network=network,
                image_set=image_set,
            )
