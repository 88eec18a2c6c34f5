"""Networks and losses of super-resolution. A new one is a line in its table.

A network's input is the thick scan interpolated onto the thin grid; its output has one
channel of intensities, of the same size.
"""

from __future__ import annotations

from collections.abc import Callable

import keras

from deepresolve.networks import Model, sr_cnn, sr_views
from deepresolve.networks.losses import images

MODELS: dict[str, Model] = {
    "sr_cnn": sr_cnn.MODEL,
    "sr_views": sr_views.MODEL,
}
LOSSES: dict[str, Callable[[], keras.losses.Loss]] = {
    "charbonnier": images.Charbonnier,
    "mean_absolute_error": keras.losses.MeanAbsoluteError,
    "mean_squared_error": keras.losses.MeanSquaredError,
}
