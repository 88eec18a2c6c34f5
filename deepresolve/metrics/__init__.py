"""Measures of images, masks and groups of subjects: pure functions.

Each takes the reference first and the estimate second. `table.METRICS` says what each
needs and means. Statistics over subjects, agreement of readers and ROC curves are in
the modules `statistics`, `agreement`, `roc` and `calibration`.
"""

from typing import TYPE_CHECKING

_MODULES = {
    "image": ("edge_sharpness", "mse", "nrmse", "psnr", "rmse", "ssim"),
    "overlap": ("dsc", "voe", "volume_difference", "volume_mm3"),
    "surface": ("assd", "hd95"),
    "cohort": (
        *("accuracy", "bias", "lower_limit", "rms_cv", "roc_auc", "upper_limit"),
        "weighted_kappa",
    ),
    "calibration": ("brier",),
}

if TYPE_CHECKING:
    from deepresolve.metrics.calibration import brier
    from deepresolve.metrics.cohort import (
        accuracy,
        bias,
        lower_limit,
        rms_cv,
        roc_auc,
        upper_limit,
        weighted_kappa,
    )
    from deepresolve.metrics.image import edge_sharpness, mse, nrmse, psnr, rmse, ssim
    from deepresolve.metrics.overlap import dsc, voe, volume_difference, volume_mm3
    from deepresolve.metrics.surface import assd, hd95
else:

    def __getattr__(name: str) -> object:
        """Loads a measure when it is asked for: some bring scikit-image along."""
        import importlib

        for module, names in _MODULES.items():
            if name in names:
                found = importlib.import_module(f"deepresolve.metrics.{module}")
                return getattr(found, name)
        if not name.startswith("_"):  # one that was added to the table
            table = importlib.import_module("deepresolve.metrics.table")
            if name in table.METRICS:
                return table.METRICS[name].function
        raise AttributeError(f"module 'deepresolve.metrics' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return [*globals(), *__all__]


__all__ = [
    "accuracy",
    "assd",
    "bias",
    "brier",
    "dsc",
    "edge_sharpness",
    "hd95",
    "lower_limit",
    "mse",
    "nrmse",
    "psnr",
    "rms_cv",
    "rmse",
    "roc_auc",
    "ssim",
    "upper_limit",
    "voe",
    "volume_difference",
    "volume_mm3",
    "weighted_kappa",
]
