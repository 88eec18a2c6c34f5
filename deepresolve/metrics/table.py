"""Measures a trained network on held-out subjects: numbers, tests, tables, figure.

A new metric is one line in `METRICS`, for images, or in `LABEL_METRICS`, for masks of
one class; the runs, the tests and the tables follow.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from deepresolve.metrics import image, overlap, surface


@dataclasses.dataclass(frozen=True)
class Metric:
    """A measure of how near an estimate comes to its reference, and how it is printed.

    Attributes:
      function: `fn(reference, estimate, *, spacing_mm, data_range) -> float`.
      title: heading of its row in a table, with the unit that the table uses.
      meaning: what the number itself is: range, unit, which end is good, window.
      table_scale: a table prints the number times this.
    """

    function: Callable[..., float]
    title: str
    meaning: str
    table_scale: float = 1.0

    @property
    def decimals(self) -> int:
        """Of a number in a file: one more than a table prints, which are two."""
        return 3 + round(math.log10(self.table_scale))

    def __call__(
        self,
        reference: np.ndarray,
        estimate: np.ndarray,
        *,
        spacing_mm: Sequence[float],
        data_range: float,
    ) -> float:
        """Calls `function`."""
        return self.function(
            reference, estimate, spacing_mm=spacing_mm, data_range=data_range
        )


# Of images: 3D arrays (rows, columns, slices) of intensities.
METRICS = {
    "ssim": Metric(image.ssim, "SSIM (x100)", image.SSIM_MEANING, table_scale=100),
    "psnr": Metric(image.psnr, "pSNR (dB)", image.PSNR_MEANING),
    "rmse": Metric(image.rmse, "RMSE (x1000)", image.RMSE_MEANING, table_scale=1000),
    "mse": Metric(image.mse, "MSE (x1000)", image.MSE_MEANING, table_scale=1000),
    "nrmse": Metric(image.nrmse, "NRMSE (%)", image.NRMSE_MEANING, table_scale=100),
    "edge_sharpness": Metric(
        image.edge_sharpness,
        "Edge sharpness (%)",
        image.EDGE_SHARPNESS_MEANING,
        table_scale=100,
    ),
}

# Of segmentations: boolean masks of one class.
LABEL_METRICS = {
    "dsc": Metric(overlap.dsc, "DSC (%)", overlap.DSC_MEANING, table_scale=100),
    "voe": Metric(overlap.voe, "VOE (%)", overlap.VOE_MEANING, table_scale=100),
    "volume_difference": Metric(
        overlap.volume_difference,
        "Volume difference (%)",
        overlap.VOLUME_DIFFERENCE_MEANING,
        table_scale=100,
    ),
    "assd": Metric(surface.assd, "ASSD (mm)", surface.ASSD_MEANING),
    "hd95": Metric(surface.hd95, "95% Hausdorff (mm)", surface.HD95_MEANING),
}
