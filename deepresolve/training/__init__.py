"""Fitting a network: `fit`, its callbacks, optimizers and devices."""
