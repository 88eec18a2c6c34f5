"""From a scan to a row of a table."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from deepresolve.imaging.intensity import estimate_scale
from deepresolve.tasks.findings import Section
from deepresolve.tasks.prediction import Prediction, TableKind

TABLE = "grades"
_NOT_MEASURED = Section({"measured": False, "why": "there is no image to compare"})


class BrightnessPredictor:
    """A network for brightness as a `Predictor`."""

    title = "graded brightness"
    kind = None
    volume_names = ()
    tables: ClassVar = {
        TABLE: TableKind("grades", {"grade": int, "probability": float})
    }
    training_factor = None
    announcement = ""
    memory_advice = "A smaller scan needs less."

    def __init__(self, network):
        self._network = network

    def predict(self, scan, *, progress=False):
        canonical = scan.canonical().array
        image = estimate_scale(canonical).apply(canonical).astype(np.float32)
        probabilities = np.asarray(self._network(image[np.newaxis, ..., np.newaxis]))[0]
        grade = int(np.argmax(probabilities))
        report = dict.fromkeys(("consistency", "spread", "undershoot"), _NOT_MEASURED)
        rows = {TABLE: [(grade, float(probabilities[grade]))]}
        return Prediction(None, {}, report, ("dark", "bright")[grade], rows)


def load(run, options):
    return BrightnessPredictor(run.network(options.dtype))


def choose_dtype(*, alone):
    return "float32", "it is small"
