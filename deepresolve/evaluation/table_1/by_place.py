"""What is measured place by place beside a reference: thickness and T2 of cartilage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
      family: of its tests.
    """

    metric: str
    reference: str
    family: str


def places(results: Results, of: Quantity) -> list[str]:
    """Where it was measured, in the order of the knee's table."""
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
    results: Results, of: Quantity, network: str, wanted: Collection[str]
) -> list[dict[str, Any]]:
    """Whether places err less on super-resolution than on TCI.

    Args:
      results: what was measured.
      of: what it is.
      network: whose measurements they are.
      wanted: the places, none of which lies in another.

    Returns:
      Dicts as of `paired_tests.paired_tests`, of absolute errors of the subjects that
      have the place in both; Holm's correction is over places.
    """
    rows = []
    for place in [place for place in places(results, of) if place in wanted]:
        errors = [
            _errors(results, of, (network, image_set, place))
            for image_set in ("sr", "tci")
        ]
        both = [name for name in errors[0] if name in errors[1]]
        if not both:
            continue
        row = {
            "family": of.family,
            "metric": of.metric,
            "class": place,
            "network": network,
            "a": "sr",
            "b": "tci",
        }
        ours, theirs = ([by_name[name] for name in both] for by_name in errors)
        rows.append(row | paired.compared(ours, theirs))
    return paired.with_holm(rows)


def _errors(
    results: Results, of: Quantity, where: tuple[str, str, str]
) -> dict[str, float]:
    """Absolute error by subject, of a network, image set and place."""
    found: dict[str, dict[str, float]] = {of.metric: {}, of.reference: {}}
    for m in results.measurements:
        if m.metric in found and (m.source, m.image_set, m.label_class) == where:
            found[m.metric][m.subject] = m.value
    true = found[of.reference]
    return {name: abs(value - true[name]) for name, value in found[of.metric].items()}
