"""Means and seconds as plain dicts: what report.json holds and tables print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from deepresolve.evaluation.results import Measurement, Timing
from deepresolve.metrics import statistics


def summary_rows(measurements: Iterable[Measurement]) -> list[dict[str, Any]]:
    """Mean and sample standard deviation over subjects of all that was measured.

    Returns:
      Dicts of image_set, metric, class (None: a metric of the whole image), mean, sd,
      n (subjects) and network.
    """
    groups: dict[tuple[str, str, str | None, str], list[float]] = {}
    for m in measurements:
        key = m.image_set, m.metric, m.label_class, m.source
        groups.setdefault(key, []).append(m.value)
    return [_summary_row(*key, values) for key, values in groups.items()]


def _summary_row(
    image_set: str,
    metric: str,
    label_class: str | None,
    source: str,
    values: Sequence[float],
) -> dict[str, Any]:
    """One row, of at least one value."""
    mean, sd = statistics.mean_sd(values)
    return {
        "image_set": image_set,
        "metric": metric,
        "class": label_class,
        "mean": mean,
        "sd": sd,
        "n": len(values),
        "network": source,
    }


def seconds_rows(
    networks: Iterable[str], timings: Sequence[Timing]
) -> list[dict[str, Any]]:
    """Seconds per volume: dicts of network, n (volumes), median, min and max."""
    rows = []
    for network in networks:
        seconds = [t.seconds for t in timings if t.network == network]
        rows.append(
            {
                "network": network,
                "n": len(seconds),
                "median": float(np.median(seconds)),
                "min": min(seconds),
                "max": max(seconds),
            }
        )
    return rows
