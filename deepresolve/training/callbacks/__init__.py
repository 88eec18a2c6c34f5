"""Keras callbacks that Keras lacks."""

from deepresolve.training.callbacks.checkpoint import Checkpoint
from deepresolve.training.callbacks.clock import Clock
from deepresolve.training.callbacks.divergence import Divergence
from deepresolve.training.callbacks.loss_scale import LossScale
from deepresolve.training.callbacks.reporting import EpochLine, StepBar
from deepresolve.training.callbacks.schedule import Schedule
from deepresolve.training.callbacks.step_decay import StepDecay
from deepresolve.training.callbacks.throughput import Throughput
from deepresolve.training.callbacks.volume_validation import VolumeValidation

__all__ = [
    "Checkpoint",
    "Clock",
    "Divergence",
    "EpochLine",
    "LossScale",
    "Schedule",
    "StepBar",
    "StepDecay",
    "Throughput",
    "VolumeValidation",
]
