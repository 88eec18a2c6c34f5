"""A workdir whose network adds nothing, so that predictions equal interpolation."""

import numpy as np
import pytest

from deepresolve import networks
from deepresolve.config import Config
from deepresolve.workdir import Workdir


@pytest.fixture(scope="session")
def silent_workdir(tmp_path_factory):
    """A run with its last layer zeroed: the residual is 0 everywhere."""
    workdir = Workdir(tmp_path_factory.mktemp("silent"))
    config = Config(
        num_layers=3, num_features=4, fold=(1, 1, 3), patch_shape=(32, 32, 33)
    )
    workdir.start(config)
    model = networks.build_model(config)
    residual = model.get_layer("residual")
    residual.set_weights([np.zeros_like(w) for w in residual.get_weights()])
    workdir.save_model(model, "best")
    return workdir
