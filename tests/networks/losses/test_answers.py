"""Cross-entropy of answers, against closed forms and scikit-learn."""

import numpy as np
from sklearn.metrics import log_loss

from deepresolve.networks.losses.answers import (
    WeightedCrossEntropy,
    weighted_cross_entropy,
)


def test_is_scikit_learns_with_weights():
    truth, p = np.array([1, 0, 1, 1]), np.array([0.9, 0.4, 0.2, 0.6])
    weight = np.array([2, 1, 0.5, 0])
    y_true = np.stack([truth, weight], axis=-1)[np.newaxis]
    expected = log_loss(truth, p, sample_weight=weight, normalize=False) / 4
    found = weighted_cross_entropy(y_true, p[np.newaxis].astype(np.float32))
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


def test_a_smoothed_target_is_least_where_it_is_met():
    def loss(p):
        return float(WeightedCrossEntropy()(np.array([[[0.9, 1.0]]]), np.array([[p]])))

    assert loss(0.9) < min(loss(0.85), loss(0.95))


def test_what_nobody_knows_counts_for_nothing():
    y_true = np.array([[[1.0, 0.0]]])
    for p in (0.0, 1e-9, 1.0):
        assert float(WeightedCrossEntropy()(y_true, np.array([[p]]))) == 0
