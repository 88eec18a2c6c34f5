"""What every entry of METRICS must do; a new metric is tested here unasked."""

import numpy as np
import pytest

from deepresolve.evaluation import METRICS


@pytest.fixture
def truth():
    return np.random.default_rng(0).random((8, 9, 10), np.float32)


@pytest.mark.parametrize("name", METRICS)
def test_is_a_finite_float_of_two_different_volumes(name, truth):
    value = METRICS[name](
        truth, truth[::-1].copy(), spacing_mm=(1, 1, 2), data_range=1.0
    )
    assert isinstance(value, float)
    assert np.isfinite(value)


@pytest.mark.parametrize("name", METRICS)
def test_is_not_nan_for_identical_volumes(name, truth):
    value = METRICS[name](truth, truth, spacing_mm=(1, 1, 2), data_range=1.0)
    assert not np.isnan(value)


@pytest.mark.parametrize("name", METRICS)
def test_leaves_its_inputs_alone(name, truth):
    estimate = truth + np.float32(0.1)
    copies = truth.copy(), estimate.copy()
    METRICS[name](truth, estimate, spacing_mm=(1, 1, 2), data_range=1.0)
    np.testing.assert_array_equal((truth, estimate), copies)


@pytest.mark.parametrize("name", METRICS)
def test_says_what_it_is(name):
    assert METRICS[name].title
    assert METRICS[name].meaning
