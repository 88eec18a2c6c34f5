"""What is measured place by place beside a reference: thickness and T2 of cartilage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from deepresolve.evaluation import paired
from deepresolve.evaluation.table_1.results import Results
from deepresolve.metrics import statistics


class Quantity(NamedTuple):
    """A number of each place, and the same of the reference.

    Attributes:
      metric: name of the measurements of what was found.
      reference: name of those of the reference.
    """

    metric: str
    reference: str


Errors = Mapping[str, float]  # by subject


def places(results: Results, of: Quantity) -> list[str]:
    """Where it was measured, in the order in which subjects brought it."""
    found = [m.label_class for m in results.measurements if m.metric == of.reference]
    return [place for place in dict.fromkeys(found) if place is not None]


def agreement(
    results: Results, of: Quantity, image_sets: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    """Agreement with the reference.

    Args:
      results: what was measured.
      of: what it is.
      image_sets: by network, those that it was measured in.

    Returns:
      By place, dicts of metric, network, image_set, place, reference (mean), the fields
      of `statistics.BlandAltman` for estimated minus reference, mean_error (of absolute
      differences), and rms_cv, between the two, as a share.
    """
    rows = []
    for place in places(results, of):
        for network, names in image_sets.items():
            for image_set in names:
                found, true = (
                    results.values(name, image_set, network=network, label_class=place)
                    for name in (of.metric, of.reference)
                )
                if not found:
                    continue
                rows.append(
                    {
                        "metric": of.metric,
                        "network": network,
                        "image_set": image_set,
                        "place": place,
                        "reference": float(np.mean(true)),
                        **vars(statistics.bland_altman(found, true)),
                        "mean_error": float(np.mean(np.abs(np.subtract(found, true)))),
                        "rms_cv": statistics.rms_cv(found, true),
                    }
                )
    return rows


def tests(
    errors: Iterable[tuple[str, Errors, Errors]], metric: str, family: str, network: str
) -> list[dict[str, Any]]:
    """Whether places err less on super-resolution than on TCI.

    Args:
      errors: a place, and its errors on super-resolution and on TCI by subject; none of
        the places lies in another.
      metric: what errs.
      family: of the tests.
      network: whose measurements they are.

    Returns:
      Dicts as of `paired_tests.paired_tests`, of the subjects that have the place in
      both; Holm's correction is over places.
    """
    rows = []
    for place, ours, theirs in errors:
        both = [name for name in ours if name in theirs]
        if not both:
            continue
        row = {
            "family": family,
            "metric": metric,
            "class": place,
            "network": network,
            "a": "sr",
            "b": "tci",
        }
        pair = ([of[name] for name in both] for of in (ours, theirs))
        rows.append(row | paired.compared(*pair))
    return paired.with_holm(rows)


def by_subject(
    results: Results, metric: str, network: str, image_set: str, place: str
) -> dict[str, float]:
    """What was measured of each subject."""
    wanted = metric, network, image_set, place
    return {
        m.subject: m.value
        for m in results.measurements
        if (m.metric, m.source, m.image_set, m.label_class) == wanted
    }


def errors_of(
    results: Results, of: Quantity, network: str, image_set: str, place: str
) -> dict[str, float]:
    """Absolute error of each subject."""
    found, true = (
        by_subject(results, metric, network, image_set, place)
        for metric in (of.metric, of.reference)
    )
    return {name: abs(value - true[name]) for name, value in found.items()}
