"""Segmentation networks small enough to run in a test."""

import pytest

from deepresolve.tasks.segmentation.settings import SegmentationConfig


@pytest.fixture
def small_config():
    """Makes the config of a small network by its name."""

    def make(model, **changes):
        config = SegmentationConfig(
            model=model,
            loss="dice",
            classes=("femoral cartilage", "patellar cartilage"),
            num_levels=2,
            num_features=4,
        )
        return config.replace(**changes)

    return make
