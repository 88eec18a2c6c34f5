"""Areas under ROC curves of validation scans, and what stands for them."""

import math

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.classification.validation import ClassificationValidation
from deepresolve.training.data import ValidationScan

CONFIG = ClassificationConfig(grades=("acl", "kl"), num_grades=(2, 3), batch_size=1)
VALIDATION = ClassificationValidation(CONFIG.replace(patch_shape=(8, 8, 4)), {})


def blocks(*scalars):
    image = Volume(np.random.default_rng(0).random((10, 8, 3)), np.eye(4))
    return [
        block
        for n, of in enumerate(scalars)
        for block in VALIDATION.cut(
            ValidationScan(f"knee{n}", image, IntensityScale(0, 1), scalars=of)
        )
    ]


def test_scores_are_scikit_learns():
    grades = [{"acl": 0, "kl": 1}, {"acl": 1}, {"acl": 1, "kl": 2}, {"acl": 0, "kl": 2}]
    p = np.random.default_rng(1).random((4, 3))
    found = VALIDATION.scores(blocks(*grades), list(p))
    acl = roc_auc_score([0, 1, 1, 0], p[:, 0])
    above_1 = roc_auc_score([0, 1, 1], p[[0, 2, 3], 2])  # of three it is known
    assert found["auc_acl_above_0"] == pytest.approx(acl)
    assert found["auc_kl_above_1"] == pytest.approx(above_1)
    assert found["score"] == pytest.approx((acl + above_1) / 2, abs=1e-6)
    assert "auc_kl_above_0" not in found  # true of all


def test_of_equal_areas_the_lower_loss_is_better():
    knees = blocks({"acl": 0}, {"acl": 1}, {"acl": 1})

    def score(*of_acl):
        return VALIDATION.scores(knees, [np.array([p, 0.5, 0.5]) for p in of_acl])

    unsure, sure = score(0.49, 0.5, 0.51), score(0.1, 0.8, 0.9)
    assert unsure["auc_acl_above_0"] == sure["auc_acl_above_0"] == 1.0
    assert unsure["score"] < sure["score"] <= 1.0
    # One pair in the wrong order weighs more than any loss.
    assert score(0.81, 0.8, 0.9)["score"] < unsure["score"] - 0.4


def test_where_all_are_alike_the_loss_stands_in_and_is_told():
    alike = blocks({"acl": 1}, {"acl": 1})
    p = np.array([[0.5, 0.1, 0.2], [0.9, 0.3, 0.4]])
    found = VALIDATION.scores(alike, list(p))
    expected = log_loss([1, 1], p[:, 0], labels=[0, 1])
    assert found == {"score": pytest.approx(-expected)}
    assert "No ROC AUC of acl>0" in VALIDATION.describe(alike)
    assert "lowest validation loss instead" in VALIDATION.describe(alike)
    assert VALIDATION.verdict(-0.5, alike) == "best validation loss 0.5"


def test_a_scan_without_grades_is_left_out():
    assert not blocks({"age": 50.0})


def test_what_is_not_known_weighs_nothing():
    (block,) = blocks({"acl": 1})
    image, target = VALIDATION.batch(block)
    assert image.shape == (1, 8, 8, 3, 1)
    np.testing.assert_array_equal(target, [[[1, 1], [0, 0], [0, 0]]])
    assert math.isnan(block.truth[1])
