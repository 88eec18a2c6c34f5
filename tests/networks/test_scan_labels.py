"""Networks that grade whole scans."""

import keras
import numpy as np
import pytest

from deepresolve import networks
from deepresolve.networks import CUSTOM_OBJECTS, cost
from deepresolve.tasks.classification.models import MODELS
from deepresolve.tasks.classification.settings import ClassificationConfig

every_network = pytest.mark.parametrize("name", sorted(MODELS))


def config(name, **changes):
    small = {"num_features": 4, "num_levels": 2} | changes
    return ClassificationConfig(model=name, grades=("acl", "meniscus"), **small)


def scans(count=1, shape=(9, 8, 5)):
    return np.random.default_rng(0).random((count, *shape, 1)).astype(np.float32)


@every_network
def test_a_scan_of_any_size_has_a_probability_for_each_output(name):
    model = networks.build_model(config(name))
    for shape in ((9, 8, 5), (32, 33, 1)):
        found = np.asarray(model(scans(2, shape)))
        assert found.shape == (2, 2)
        assert (found >= 0).all()
        assert (found <= 1).all()
    assert MODELS[name].engine == "whole"


@every_network
def test_restored_from_its_config_it_is_the_same(name):
    model = networks.build_model(config(name))
    restored = keras.Model.from_config(model.get_config(), CUSTOM_OBJECTS)
    restored.set_weights(model.get_weights())
    np.testing.assert_allclose(restored(scans()), model(scans()), atol=1e-6)


@every_network
def test_slices_see_each_other_unless_slicewise(name):
    model = networks.build_model(config(name))
    seen = keras.Model(model.input, model.get_layer("features").output)
    before, after = scans(), scans()
    after[:, :, :, 2] = 1 - after[:, :, :, 2]
    change = np.abs(np.asarray(seen(after)) - np.asarray(seen(before)))
    changed = np.flatnonzero(change.max(axis=(0, 1, 2, 4)) > 1e-6)
    assert (changed.tolist() == [2]) == MODELS[name].slicewise


def test_slices_that_were_filled_in_change_nothing():
    model = networks.build_model(config("mrnet"))
    filled = np.concatenate([scans(), np.zeros((1, 9, 8, 3, 1))], axis=3)
    np.testing.assert_allclose(model(filled), model(scans()), atol=1e-6)


def test_elnet_has_the_published_size():
    # Tsai, MIDL 2020: about 0.2 M parameters, less than 1 MB of float32, for K = 4.
    model = networks.build_model(ClassificationConfig(model="elnet", num_features=16))
    assert 0.2e6 <= cost.num_parameters(model) < 1e6 / 4
