"""Segmentation networks small enough to run in a test."""

import pytest

from deepresolve.config import Config


@pytest.fixture
def small_config():
    """Makes the config of a small network by its name."""

    def make(model, **changes):
        config = Config(
            task="segmentation",
            model=model,
            loss="dice",
            classes=("femoral cartilage", "patellar cartilage"),
            num_levels=2,
            num_features=4,
        )
        return config.replace(**changes)

    return make
