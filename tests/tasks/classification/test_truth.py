"""Grades as targets, and their weights."""

import math

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.classification.truth import class_weights, targets

CONFIG = ClassificationConfig(grades=("acl", "kl"), num_grades=(2, 5))


@pytest.mark.parametrize(
    ("grade", "expected"),
    [(0, [0, 0, 0, 0]), (2, [1, 1, 0, 0]), (4, [1, 1, 1, 1])],
)
def test_an_ordinal_grade_is_above_its_steps(grade, expected):
    found = targets(CONFIG, {"acl": 1, "kl": grade, "age": 61.5})
    np.testing.assert_array_equal(found, [1, *expected])
    assert CONFIG.outputs == ("acl>0", "kl>0", "kl>1", "kl>2", "kl>3")


def test_what_a_scan_lacks_is_not_known():
    found = targets(CONFIG, {"acl": 0})
    np.testing.assert_array_equal(found, [0, *[math.nan] * 4])


@pytest.mark.parametrize("value", [5, -1, 1.5, "severe"])
def test_a_grade_that_is_none_is_refused(value):
    with pytest.raises(ValueError, match=r"kl is .*expected a whole number"):
        targets(CONFIG, {"kl": value})


def test_balanced_weights_are_scikit_learns():
    config = ClassificationConfig(grades=("acl",))
    truth = np.array([0, 0, 0, 1, 0, 1, 0])
    expected = compute_class_weight("balanced", classes=np.array([0, 1]), y=truth)
    scans = [np.array([value], np.float32) for value in (*truth, math.nan)]
    np.testing.assert_allclose(class_weights(config, scans), [expected], rtol=1e-6)
    ones = class_weights(config.replace(class_weights="none"), scans)
    np.testing.assert_array_equal(ones, [[1, 1]])


@pytest.mark.parametrize("values", [[0, 0], [1, math.nan], [math.nan]])
def test_one_answer_alone_teaches_nothing(values):
    config = ClassificationConfig(grades=("acl",))
    scans = [np.array([value], np.float32) for value in values]
    with pytest.raises(ValueError, match=r"acl>0 is true of .* training scans"):
        class_weights(config, scans)
