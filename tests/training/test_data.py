import numpy as np
import pytest

from deepresolve.config import Config
from deepresolve.training.data import TrainingData, check_data

CONFIG = Config(patch_shape=(8, 8, 8))


def make(volume_source, array):
    volumes = volume_source([array])
    return TrainingData(volumes, {"knee-0": array.shape}, [], "shards", "abc")


def test_data_that_fits_passes(volume_source):
    check_data(CONFIG, make(volume_source, np.ones((8, 9, 10), np.float32)))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((8, 9, 7), np.float32), r"knee-0 has \(8, 9, 7\)"),
        (np.zeros((8, 8, 8), np.float32), "all would be skipped as air"),
    ],
)
def test_what_cannot_be_cut_is_refused(volume_source, array, message):
    with pytest.raises(ValueError, match=message):
        check_data(CONFIG, make(volume_source, array))


def test_no_volumes_are_refused(volume_source):
    data = make(volume_source, np.ones((8, 8, 8), np.float32))
    with pytest.raises(ValueError, match="no training volumes"):
        check_data(CONFIG, data._replace(shapes={}))
