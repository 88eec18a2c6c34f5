"""The table of metrics: what each compares, what it needs, and how it is printed.

A new metric is a pure function and one line in `METRICS`: validation, evaluations,
tests and tables follow. Its function takes exactly what its entry names; `measure`
hands that over.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from deepresolve.metrics import calibration, cohort, image, overlap, surface

# What is compared, of one subject:
#   images          3D arrays (rows, columns, slices) of intensities
#   masks           boolean arrays of one class
# and of a cohort, vectors of one number a subject:
#   values          measures in one unit, such as volumes in mm³
#   classes         whole numbers: what each subject is
#   probabilities   of being what the reference, boolean, says
Kind = Literal["images", "masks", "values", "classes", "probabilities"]
Over = Literal["subject", "cohort"]


@dataclasses.dataclass(frozen=True)
class Metric:
    """A measure of how near estimates come to their references, and how it is printed.

    Attributes:
      function: pure; takes the arrays that `takes` names, by position, and what `needs`
        names, by keyword; returns a float.
      of: what it compares.
      title: heading of its row in a table, without the unit.
      meaning: what the number itself is: range, unit, which end is good, window.
      unit: that a table prints, such as "dB", or "x100"; "" for none.
      best: which value is the best one. None: it is a quantity, such as a volume, which
        is reported but neither good nor bad.
      needs: some of "spacing_mm", "voxel_mm3" and "data_range".
      takes: some of "reference" and "estimate".
      over: "subject": a number for each; "cohort": one for all of them.
      table_scale: a table prints the number times this.
      table_decimals: of the number in a table.
    """

    function: Callable[..., float]
    of: Kind
    title: str
    meaning: str
    unit: str = ""
    best: Literal["highest", "lowest", "zero"] | None = "highest"
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ("reference", "estimate")
    over: Over = "subject"
    table_scale: float = 1.0
    table_decimals: int = 2

    @property
    def heading(self) -> str:
        """Title and unit, as a table has them."""
        return f"{self.title} ({self.unit})" if self.unit else self.title

    @property
    def decimals(self) -> int:
        """Of a number in a file: one more than a table prints."""
        return self.table_decimals + 1 + round(math.log10(self.table_scale))


METRICS: Mapping[str, Metric] = {
    "ssim": Metric(
        image.ssim,
        "images",
        "SSIM",
        image.SSIM_MEANING,
        unit="x100",
        needs=("data_range",),
        table_scale=100,
    ),
    "psnr": Metric(
        image.psnr,
        "images",
        "pSNR",
        image.PSNR_MEANING,
        unit="dB",
        needs=("data_range",),
    ),
    "rmse": Metric(
        image.rmse,
        "images",
        "RMSE",
        image.RMSE_MEANING,
        unit="x1000",
        best="lowest",
        table_scale=1000,
    ),
    "mse": Metric(
        image.mse,
        "images",
        "MSE",
        image.MSE_MEANING,
        unit="x1000",
        best="lowest",
        table_scale=1000,
    ),
    "nrmse": Metric(
        image.nrmse,
        "images",
        "NRMSE",
        image.NRMSE_MEANING,
        unit="%",
        best="lowest",
        table_scale=100,
    ),
    "edge_sharpness": Metric(
        image.edge_sharpness,
        "images",
        "Edge sharpness",
        image.EDGE_SHARPNESS_MEANING,
        unit="%",
        table_scale=100,
    ),
    "dsc": Metric(
        overlap.dsc, "masks", "DSC", overlap.DSC_MEANING, unit="%", table_scale=100
    ),
    "voe": Metric(
        overlap.voe,
        "masks",
        "VOE",
        overlap.VOE_MEANING,
        unit="%",
        best="lowest",
        table_scale=100,
    ),
    "volume_difference": Metric(
        overlap.volume_difference,
        "masks",
        "Volume difference",
        overlap.VOLUME_DIFFERENCE_MEANING,
        unit="%",
        best="zero",
        table_scale=100,
    ),
    "assd": Metric(
        surface.assd,
        "masks",
        "ASSD",
        surface.ASSD_MEANING,
        unit="mm",
        best="lowest",
        needs=("spacing_mm",),
    ),
    "hd95": Metric(
        surface.hd95,
        "masks",
        "95% Hausdorff",
        surface.HD95_MEANING,
        unit="mm",
        best="lowest",
        needs=("spacing_mm",),
    ),
    "volume_mm3": Metric(
        overlap.volume_mm3,
        "masks",
        "Volume",
        "voxels of the class in the network's label map, in mm³",
        unit="mm³",
        best=None,
        needs=("voxel_mm3",),
        takes=("estimate",),
        table_decimals=0,
    ),
    "reference_volume_mm3": Metric(
        overlap.volume_mm3,
        "masks",
        "Volume of the reference",
        "voxels of the class in the reference, in mm³",
        unit="mm³",
        best=None,
        needs=("voxel_mm3",),
        takes=("reference",),
        table_decimals=0,
    ),
    "bias": Metric(
        cohort.bias, "values", "Bias", cohort.BIAS_MEANING, best="zero", over="cohort"
    ),
    "lower_limit": Metric(
        cohort.lower_limit,
        "values",
        "Lower limit of agreement",
        cohort.LIMIT_MEANING,
        best="zero",
        over="cohort",
    ),
    "upper_limit": Metric(
        cohort.upper_limit,
        "values",
        "Upper limit of agreement",
        cohort.LIMIT_MEANING,
        best="zero",
        over="cohort",
    ),
    "rms_cv": Metric(
        cohort.rms_cv,
        "values",
        "RMS-CV",
        cohort.RMS_CV_MEANING,
        unit="%",
        best="lowest",
        over="cohort",
        table_scale=100,
    ),
    "accuracy": Metric(
        cohort.accuracy,
        "classes",
        "Accuracy",
        cohort.ACCURACY_MEANING,
        unit="%",
        over="cohort",
        table_scale=100,
    ),
    "weighted_kappa": Metric(
        cohort.weighted_kappa,
        "classes",
        "Weighted kappa",
        cohort.WEIGHTED_KAPPA_MEANING,
        over="cohort",
    ),
    "roc_auc": Metric(
        cohort.roc_auc,
        "probabilities",
        "ROC AUC",
        cohort.ROC_AUC_MEANING,
        unit="%",
        over="cohort",
        table_scale=100,
    ),
    "brier": Metric(
        calibration.brier,
        "probabilities",
        "Brier score",
        calibration.BRIER_MEANING,
        best="lowest",
        over="cohort",
        table_decimals=3,
    ),
}


def of(kind: Kind, metrics: Mapping[str, Metric] = METRICS) -> dict[str, Metric]:
    """The metrics that compare one kind of thing, by name, in the order of the table.

    Args:
      kind: what they compare.
      metrics: those to choose from.
    """
    return {name: metric for name, metric in metrics.items() if metric.of == kind}


def measure(
    metric: Metric,
    reference: np.ndarray,
    estimate: np.ndarray,
    *,
    spacing_mm: Sequence[float] | None = None,
    data_range: float | None = None,
    voxel_mm3: float | None = None,
) -> float:
    """Calls a metric's function with what its entry says that it takes and needs.

    Args:
      metric: an entry of `METRICS`, or one like them.
      reference: what should have been found; see `Kind`.
      estimate: what was found, of the same shape.
      spacing_mm: distance between voxel centres along each axis.
      data_range: intensity difference from black to white.
      voxel_mm3: volume of a voxel.

    Raises:
      ValueError: what the metric needs was not given, or it refuses the arrays.
    """
    arrays = {"reference": reference, "estimate": estimate}
    offered = {
        "spacing_mm": spacing_mm,
        "data_range": data_range,
        "voxel_mm3": voxel_mm3,
    }
    if missing := [name for name in metric.needs if offered[name] is None]:
        raise ValueError(
            f"{metric.title} needs {' and '.join(missing)}; got None. Give what "
            "belongs to the arrays that are compared."
        )
    needed = {name: offered[name] for name in metric.needs}
    return metric.function(*(arrays[name] for name in metric.takes), **needed)
