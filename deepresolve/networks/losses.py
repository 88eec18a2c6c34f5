"""Losses by name: `(y_true, y_pred)` to one value per voxel or per example."""

import keras

LOSSES = {
    "mean_squared_error": keras.losses.MeanSquaredError,
    "mean_absolute_error": keras.losses.MeanAbsoluteError,
}
