"""Numbers of an evaluation as report.json and subjects.csv hold them.

One digit more than tables print (`Metric.decimals`), all else to six significant
digits. Tests and tables are computed before anything is rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from deepresolve.metrics import rounding
from deepresolve.metrics.table import METRICS

# Fields of a row that are in the unit of its metric, or of a volume.
_IN_UNITS = {
    *("mean", "sd", "mean_difference", "interval_low", "interval_high"),
    *("bias", "lower", "upper"),
}
# Of a row of seconds.
_SECONDS = {"median", "min", "max"}


def value(metric: str | None, number: float) -> float:
    """One measurement of a metric, as far as it is known; None: of no known one."""
    known = METRICS.get(metric) if metric else None
    if known is None:
        return rounding.to_significant(number)
    return rounding.to_decimals(number, known.decimals)


def rows(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of means, tests, agreement (of volumes, which name no metric) or seconds."""
    return [{key: _field(row, key) for key in row} for row in found]


def _field(row: Mapping[str, Any], key: str) -> Any:
    number = row[key]
    if not isinstance(number, float):
        return number
    if key in _IN_UNITS:
        of_volumes = "volume_mm3" if "bias" in row else None
        return value(row.get("metric", of_volumes), number)
    if key in _SECONDS:
        return rounding.to_decimals(number, rounding.SECONDS)
    return rounding.to_significant(number)
