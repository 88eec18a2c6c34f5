"""What computed the numbers of a report: packages and devices."""

from __future__ import annotations

import os

import deepresolve


def describe() -> dict[str, str]:
    """Versions by package, and the devices."""
    import keras
    import scipy
    import skimage
    import tensorflow

    modules = (deepresolve, tensorflow, keras, scipy, skimage)
    gpus = tensorflow.config.list_physical_devices("GPU")
    details = map(tensorflow.config.experimental.get_device_details, gpus)
    return {
        **{module.__name__: module.__version__ for module in modules},
        "devices": ", ".join(d.get("device_name", "a GPU") for d in details)
        or f"{os.cpu_count()} CPU cores",
    }
