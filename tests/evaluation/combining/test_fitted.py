"""A combination is learned, kept and read."""

import json

import numpy as np
import pytest
from scipy import special
from sklearn.linear_model import LogisticRegression

from deepresolve.evaluation.combining import exams, fitted
from deepresolve.metrics import roc


@pytest.fixture
def learned(planes):
    answered = exams.read(planes("valid", questions=("acl", "meniscus")))
    found = {name: exams.complete(name, answered) for name in ("acl", "meniscus")}
    return found, fitted.learn(tuple(answered), found, ("a", "b", "c"))


def test_weights_are_scikit_learns_of_logits(learned):
    found, combination = learned
    assert combination.names == ("sagittal", "coronal", "axial")
    for name, of in found.items():
        logits = special.logit(of.probabilities)
        expected = LogisticRegression(max_iter=1000).fit(logits, of.reference)
        weights = combination.questions[name].weights
        assert weights.slopes == pytest.approx(expected.coef_[0])
        assert weights.intercept == pytest.approx(expected.intercept_[0])
        first, *others = combination.questions[name].thresholds
        answers = expected.predict_proba(logits)[:, 1]
        assert first == pytest.approx(roc.youden_threshold(of.reference, answers))
        singles = of.probabilities.T
        assert others == [roc.youden_threshold(of.reference, one) for one in singles]
    assert combination.people == tuple(f"{number:04d}" for number in range(80))


def test_what_is_kept_is_read(learned, tmp_path):
    _, combination = learned
    path = tmp_path / fitted.FILE
    path.write_text(combination.to_json(), encoding="utf-8")
    assert fitted.load(path) == combination


def test_questions_can_be_chosen(learned):
    _, combination = learned
    assert fitted.chosen(combination, []) == combination
    assert [*fitted.chosen(combination, ["meniscus"]).questions] == ["meniscus"]
    with pytest.raises(ValueError, match="knows acl, meniscus, and not kl"):
        fitted.chosen(combination, ["acl", "kl"])


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("inputs"),
        lambda content: content.update(version=2),
        lambda content: content["questions"]["acl"]["weights"]["slopes"].pop(),
        lambda content: content["inputs"][0].update(colour="red"),
    ],
)
def test_other_files_are_refused(learned, tmp_path, change):
    content = json.loads(learned[1].to_json())
    change(content)
    path = tmp_path / "other.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ValueError, match=r"other\.json is no combination"):
        fitted.load(path)


def test_one_plane_alone_is_no_combination(learned):
    found, combination = learned
    with pytest.raises(ValueError, match=r"one input alone \(sagittal\)"):
        fitted.learn(combination.inputs[:1], found, ())


def test_a_question_of_one_answer_is_named(learned):
    found, combination = learned
    same = found["acl"]._replace(reference=np.ones(80, bool))
    with pytest.raises(ValueError, match="acl: A combination is learned from exams"):
        fitted.learn(combination.inputs, {"acl": same}, ())
