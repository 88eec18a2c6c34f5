"""Losses that Keras lacks: a pure function and a thin `keras.losses.Loss` each."""
