"""A row of numbers for each question."""

import math

import numpy as np
import pytest
from sklearn import metrics

from deepresolve.evaluation.detection import measures
from deepresolve.evaluation.detection.measures import Question
from deepresolve.evaluation.results import Compared

ACL = Question("grades", "sagittal", "acl")


def test_answers_are_those_of_probabilities_alone(made):
    ((question, found),) = measures.answers(made()).items()
    assert question == ACL
    assert found.reference.dtype == bool and found.reference.sum() == 30
    assert found.people[:3] == ("knee-0", "knee-0", "knee-1")
    unknown = Compared("scan-7", "", *ACL[:2], "probabilities", "acl", 1.0, 0.5)
    assert measures.answers([unknown])[ACL].people == ("scan-7",)


def test_a_row_has_the_numbers_of_scikit_learn(made):
    found = measures.answers(made())
    threshold = 0.4
    (row,) = (of.row() for of in measures.detections(found, {ACL: threshold}))
    true, score = found[ACL].reference, found[ACL].probability
    assert row["name"] == "acl" and row["threshold"] == threshold
    assert (row["num_with"], row["num_without"]) == (30, 30)
    assert row["area"] == pytest.approx(metrics.roc_auc_score(true, score))
    assert row["area_low"] < row["area"] < row["area_high"]
    assert row["average_precision"] == pytest.approx(
        metrics.average_precision_score(true, score), abs=1e-6
    )
    assert row["num_people"] == 30
    assert row["brier"] == pytest.approx(metrics.brier_score_loss(true, score))
    reached = score >= threshold
    assert row["sensitivity"] == pytest.approx(metrics.recall_score(true, reached))
    assert row["specificity"] == pytest.approx(metrics.recall_score(~true, ~reached))


def test_without_a_threshold_there_is_no_sensitivity(made):
    (found,) = measures.detections(measures.answers(made()), {})
    assert math.isnan(found.threshold)
    assert np.isnan([*found.sensitivity, *found.specificity]).all()
    assert not math.isnan(found.area.value)


def test_of_one_side_alone_there_is_no_area():
    rows = [Compared("a", "a", *ACL[:2], "probabilities", "acl", 1.0, 0.75)]
    (found,) = measures.detections(measures.answers(rows), {ACL: 0.5})
    assert math.isnan(found.area.value) and math.isnan(found.specificity.value)
    assert found.sensitivity.value == 1 and found.brier == 0.0625
