import pytest

from deepresolve.config import Config
from deepresolve.training.optimizers import OPTIMIZERS, build_optimizer


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_takes_rate_and_clipping(name):
    config = Config(optimizer=name, learning_rate=0.125, clip_norm=0.5)
    optimizer = build_optimizer(config)
    assert float(optimizer.learning_rate) == 0.125
    assert optimizer.clipnorm == 0.5


def test_no_clipping_unless_asked_for():
    assert build_optimizer(Config()).clipnorm is None


def test_unknown_optimizer_names_the_known():
    with pytest.raises(ValueError, match=r"'adam', 'adamw', 'sgd'"):
        build_optimizer(Config(optimizer="hope"))
