"""Networks and losses of classification. A new one is a line in its table.

A network's output is (batch, len(config.outputs)): the probability of each. A loss's
y_true is (batch, outputs, 2): targets and weights (`networks.losses.answers`).
"""

from __future__ import annotations

from collections.abc import Callable

import keras

from deepresolve.networks import Model, cnn_3d, elnet, mrnet
from deepresolve.networks.losses import answers

MODELS: dict[str, Model] = {
    "cnn_3d": cnn_3d.MODEL,
    "cnn_3d_max": cnn_3d.MODEL_OF_MAXIMA,
    "elnet": elnet.MODEL,
    "mrnet": mrnet.MODEL,
}
LOSSES: dict[str, Callable[[], keras.losses.Loss]] = {
    "cross_entropy": answers.WeightedCrossEntropy,
}
