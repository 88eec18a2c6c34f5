import numpy as np

from deepresolve import networks
from deepresolve.config import Config


def test_published_loss_is_the_mean_squared_error():
    rng = np.random.default_rng(0)
    target, estimate = rng.normal(size=(2, 3, 4, 5, 6, 1)).astype(np.float32)
    loss = networks.build_loss(Config())
    expected = np.mean((target - estimate) ** 2)
    np.testing.assert_allclose(float(loss(target, estimate)), expected, rtol=1e-6)


def test_every_loss_is_zero_for_a_perfect_estimate():
    target = np.ones((2, 4, 4, 4, 1), np.float32)
    for name in networks.LOSSES:
        loss = networks.build_loss(Config(loss=name))
        assert float(loss(target, target)) == 0
