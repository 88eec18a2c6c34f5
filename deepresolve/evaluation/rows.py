"""Means and seconds as plain dicts: what report.json holds and tables print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deepresolve.evaluation.table_1.results import Results
from deepresolve.metrics import statistics


def summary_rows(results: Results) -> list[dict[str, Any]]:
    """Mean and sample standard deviation of all that was measured.

    Returns:
      Dicts of image_set, metric, class (None: a metric of the whole image), mean, sd,
      n (subjects) and network.
    """
    groups: dict[tuple, list[float]] = {}
    for m in results.measurements:
        key = m.image_set, m.metric, m.label_class, m.network
        groups.setdefault(key, []).append(m.value)
    return [summary_row(*key, values) for key, values in groups.items()]


def summary_row(
    image_set: str,
    metric: str,
    label_class: str | None,
    network: str,
    values: Sequence[float],
) -> dict[str, Any]:
    """One row of `summary_rows`, of at least one value."""
    mean, sd = statistics.mean_sd(values)
    return {
        "image_set": image_set,
        "metric": metric,
        "class": label_class,
        "mean": mean,
        "sd": sd,
        "n": len(values),
        "network": network,
    }


def seconds_rows(results: Results) -> list[dict[str, Any]]:
    """Seconds per volume: dicts of network, n (volumes), median, min and max."""
    rows = []
    for network in results.plan.networks:
        seconds = results.seconds(network)
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
