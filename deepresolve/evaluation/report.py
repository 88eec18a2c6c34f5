"""The tables: report.md for people, report.json and subjects.csv for programs.

report.json holds plain numbers (SSIM from 0 to 1, pSNR in dB); report.md prints them
as the paper does (SSIM x100). `null` stands for what has no value: the standard
deviation of one subject, or a mean that is infinite.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from deepresolve.evaluation import tables
from deepresolve.evaluation.subjects import DATA_RANGE, Results
from deepresolve.imaging.intensity import HIGH_PERCENTILE, LOW_PERCENTILE

# Abstract, Table 1: 17 OAI studies, 0.7 mm slices, factor 3.
PUBLISHED = (
    "Published for this network (17 OAI studies, factor 3, mean ± SD): SSIM x100 "
    "79.1 ± 1.3 (SR-CNN) and 73.8 ± 1.3 (TCI); pSNR 29.1 ± 1.0 dB and 26.8 ± 1.2 dB. "
    "Other scans, another scaling or another SSIM window give other numbers."
)


def to_json(results: Results, provenance: Mapping[str, str]) -> str:
    """Strict JSON (no NaN, no Infinity) of rows, tests, protocol and provenance.

    Args:
      results: what was measured.
      provenance: what the numbers belong to: records, split, workdir, versions, ...
    """
    content = {
        "rows": tables.summary_rows(results),
        "tests": tables.paired_tests(results),
        "metrics": {name: m.meaning for name, m in results.metrics.items()},
        "protocol": protocol(results),
        "provenance": dict(provenance),
        "subjects": [vars(subject) for subject in results.subjects],
    }
    return json.dumps(_without_nan(content), indent=2, allow_nan=False) + "\n"


def to_csv(results: Results) -> str:
    """One line a number: subject, person, image_set, metric, class, value.

    The long form keeps its columns when metrics and classes are added. Numbers are
    those of report.json, in full precision.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("subject", "person", "image_set", "metric", "class", "value"))
    for m in results.measurements:
        label_class = m.label_class or ""
        writer.writerow(
            (m.subject, m.person, m.image_set, m.metric, label_class, repr(m.value))
        )
    return table.getvalue()


def to_markdown(
    results: Results, provenance: Mapping[str, str], *, published: bool = False
) -> str:
    """The report for people: the paper's table, the tests, how it was measured.

    Args:
      results: what was measured.
      provenance: as for `to_json`.
      published: add the published values; only right for the published network.
    """
    parts = [
        "# Super-resolution on held-out subjects",
        tables.summary(results),
        *([PUBLISHED] if published else []),
        "## How it was measured",
        _bullets(protocol(results)),
        _bullets({name: m.meaning for name, m in results.metrics.items()}),
        "## What was measured",
        _bullets(provenance),
    ]
    return "\n\n".join(parts) + "\n"


def protocol(results: Results) -> dict[str, Any]:
    """How the numbers came about, by name; what a reader needs to repeat them."""
    people = {subject.person for subject in results.subjects}
    seconds = [subject.seconds for subject in results.subjects]
    return {
        "downsample_factor": results.downsample_factor,
        "data_range": DATA_RANGE,
        "intensity_scale": (
            f"0 and 1 are the ground truth's {LOW_PERCENTILE} and {HIGH_PERCENTILE} "
            "percentiles, without clipping; the network's input is scaled by those of "
            "the thick scan"
        ),
        "region": (
            "whole slices, air included, from the first acquired slice to the last; "
            "slices past it are left out"
        ),
        "num_subjects": len(results.subjects),
        "num_people": len(people),
        "median_seconds_per_volume": round(float(np.median(seconds)), 3),
        "test": (
            "two-sided Wilcoxon signed-rank; pairs without a difference are left out "
            "(num_zeros); exact p for at most 50 pairs without ties"
        ),
        "sd": "sample standard deviation over subjects (divisor n - 1)",
    }


def make_folder(directory: str) -> pathlib.Path:
    """Makes the folder of a report, so that a long run need not fail at its end.

    Raises:
      ValueError: `directory` is a remote address.
      OSError: it cannot be made.
    """
    if "://" in directory:
        raise ValueError(f"The report goes to a local folder; got {directory}.")
    path = pathlib.Path(directory)
    path.mkdir(parents=True, exist_ok=True)
    return path


def write(
    directory: pathlib.Path, files: Mapping[str, str | bytes]
) -> list[pathlib.Path]:
    """Writes the files of a report together.

    All are written whole under temporary names and only then renamed: a full disk or
    an interrupt leaves the earlier report as it was.

    Args:
      directory: an existing local folder.
      files: content by file name, text or bytes; files of these names are replaced.

    Returns:
      The paths, in the order of `files`.

    Raises:
      OSError: a file cannot be written.
    """
    aside = {
        directory / name: directory / f".{name}.{os.getpid()}.partial" for name in files
    }
    try:
        for partial, content in zip(aside.values(), files.values(), strict=True):
            data = content.encode() if isinstance(content, str) else content
            partial.write_bytes(data)
        for path, partial in aside.items():
            partial.replace(path)
    finally:
        for partial in aside.values():
            partial.unlink(missing_ok=True)
    return list(aside)


def _bullets(items: Mapping[str, Any]) -> str:
    return "\n".join(f"- {key}: {value}" for key, value in items.items())


def _without_nan(value: Any) -> Any:
    """JSON has no NaN and no infinity: both become None, at any depth."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return value
