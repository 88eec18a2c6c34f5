r"""How often the interval around a number holds the truth.

    python benchmarks/intervals.py [--knees=8] [--slice_mm=0.8]

Knees are painted from phantoms that no network of the package learned from, as a DESS
and as spin echoes show them; pretrained:seg_knee segments them as they are and
mirrored. Prints, for thickness, area and volume: mean absolute error, median half-width
of the intervals, and the share of plates and of regions whose interval holds the number
of the true labels, with intervals from probabilities alone and with the mirror image.
A number without an interval, because a reading could not be measured, is left out of
both and counted beside. A knee whose label map cannot be measured is told, and counts
for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.system import entry

if TYPE_CHECKING:
    from deepresolve.imaging.volume import Volume
    from deepresolve.quantification.knee import KneeMeasures

FLAGS = flags.FLAGS
flags.DEFINE_integer("knees", 8, "Knees to paint.", lower_bound=1)
flags.DEFINE_float("slice_mm", 0.8, "Distance of their slices.", 0.5, 5.0)
flags.DEFINE_float("pixel_mm", 0.45, "Distance of their pixels.", 0.3, 1.0)

QUANTITIES = ("ThCtAB_aMe", "tAB", "VC")
_KINDS = ("probabilities", "probabilities and mirror image")


def painted(number: int) -> tuple[Volume, Volume]:
    """An image and its labels."""
    import pretrain_labels
    import unseen_knees

    from deepresolve.simulation.painting import paint
    from deepresolve.simulation.painting.priors import Priors

    pixel, slices = (FLAGS.pixel_mm, FLAGS.pixel_mm), (FLAGS.slice_mm, FLAGS.slice_mm)
    priors = Priors(
        random_contrast=0.0, other_plane=0.0, pixel_mm=pixel, slice_mm=slices
    )
    labels = pretrain_labels.phantom_labels(unseen_knees.FIRST_PHANTOM + number)
    seed = unseen_knees.SEED + number
    drawn = paint(labels, pretrain_labels.NAMES, priors=priors, seed=seed)
    return drawn.image, drawn.label


def measured(image: Volume) -> list[KneeMeasures]:
    """A knee with the intervals of each kind."""
    import numpy as np

    from deepresolve.imaging.mirroring import left_right_axis
    from deepresolve.quantification.intervals import measure_with_intervals
    from deepresolve.tasks.trained_run import TrainedRun

    predictor = TrainedRun.open("pretrained:seg_knee").predictor(probabilities=True)
    found = predictor.predict(image)
    axis = left_right_axis(image)
    other = predictor.predict(image.with_array(np.flip(image.array, axis))).label_map
    back = image.with_array(np.flip(other.array, axis))
    return [
        measure_with_intervals(
            *(found.label_map, found.labels.label_names),
            probabilities=found.value_probabilities,
            readings=readings,
        )
        for readings in ((), (back,))
    ]


def scores(
    knees: Sequence[KneeMeasures], truths: Sequence[KneeMeasures], quantity: str
) -> Iterator[tuple[str, float, float, float, int, int]]:
    """Of plates and of regions, by the attribute of a knee that has them.

    Returns:
      The attribute, mean absolute error, median half-width, share (%) of intervals that
      hold the truth, how many numbers there are, and how many without an interval.
    """
    import numpy as np

    for title in ("plates", "regions"):
        rows = [
            (knee.quantities[place][quantity], *knee.intervals[place][quantity], true)
            for knee, truth in zip(knees, truths, strict=True)
            for place in getattr(knee, title)
            if not np.isnan(
                true := truth.quantities.get(place, {}).get(quantity, np.nan)
            )
        ]
        value, low, high, true = np.array(rows).T
        has_any = ~np.isnan(high - low)
        held = ((low <= true) & (true <= high))[has_any]
        half_widths = (high - low)[has_any] / 2
        yield (
            *(title, float(np.abs(value - true).mean())),
            *(float(np.median(half_widths)), float(100 * held.mean())),
            *(len(rows), int((~has_any).sum())),
        )


def run() -> None:
    """Paints, segments, measures."""
    from deepresolve.quantification.knee import measure
    from deepresolve.simulation.phantom import LABEL_NAMES

    truths, found = [], []
    for number in range(FLAGS.knees):
        image, labels = painted(number)
        truth = measure(labels, LABEL_NAMES)
        try:
            found.append(measured(image))
        except ValueError as error:
            print(f"knee {number}: not measured. {error}", flush=True)
            continue
        truths.append(truth)
        told = f"{found[-1][0].summary}; true: {truth.summary}"
        print(f"knee {number}: {told}", flush=True)
    print(f"{len(found)} of {FLAGS.knees} knees were measured.")
    if not found:
        return
    titles = "quantity | of | intervals from | error | half-width | held (%) | n | none"
    print(f"| {titles} |")
    print("|---|---|---|---|---|---|---|---|")
    for quantity in QUANTITIES:
        for kind, knees in zip(_KINDS, zip(*found, strict=True), strict=True):
            for title, *numbers, count, none in scores(knees, truths, quantity):
                cells = " | ".join(f"{number:.3g}" for number in numbers)
                print(f"| {quantity} | {title} | {kind} | {cells} | {count} | {none} |")


if __name__ == "__main__":
    entry.launch(run)
