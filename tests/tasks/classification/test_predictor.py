"""What a network says of a scan, and of its slices."""

import numpy as np
import pytest

from deepresolve import networks
from deepresolve.imaging.volume import Volume
from deepresolve.tasks.classification.classifier import Classifier
from deepresolve.tasks.classification.models import MODELS
from deepresolve.tasks.classification.predictor import GRADES, SLICES, GradePredictor
from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.prediction import Grades

# Slices lie along the first axis, from left to right of the patient.
AFFINE = np.array([[-3.0, 0, 0, 9], [0, 0.5, 0, 0], [0, 0, 0.5, 0], [0, 0, 0, 1]])


def classifier(name="mrnet"):
    config = ClassificationConfig(
        model=name,
        grades=("acl", "kl"),
        num_grades=(2, 4),
        num_features=4,
        num_levels=2,
        patch_shape=(16, 16, 4),
    )
    return Classifier(networks.build_model(config), config)


def scan(blank=()):
    array = np.random.default_rng(0).random((5, 20, 16)).astype(np.float32)
    array[list(blank)] = 0
    return Volume(array, AFFINE, slice_axis=0)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_scan_of_one_slice_is_what_is_said_of_that_slice(name):
    array = np.random.default_rng(0).random((20, 16, 1))
    answers = classifier(name).answers(Volume(array, np.eye(4)))
    np.testing.assert_allclose(answers.of_slices, [answers.probabilities], atol=1e-5)


def test_tables_have_a_row_a_grade_and_one_for_each_of_its_slices():
    found = GradePredictor(classifier()).predict(scan()).tables
    assert [row[0] for row in found[GRADES]] == ["acl", "kl"]
    for name, grade, probability, slice_number in found[GRADES]:
        of_slices = {n: p for label, n, p in found[SLICES] if label == name}
        assert list(of_slices) == [0, 1, 2, 3, 4]
        assert max(of_slices, key=of_slices.get) == slice_number
        assert 0 <= probability <= 1
        assert grade in range(4)


def test_slices_are_counted_along_the_axis_of_the_scan_itself():
    blank = scan(blank=[0, 1])
    found = GradePredictor(classifier()).predict(blank).tables
    nothing = {n for _, n, p in found[SLICES] if p == 0}
    assert nothing == {0, 1}
    turned = Volume(blank.array[::-1], AFFINE @ np.diag([-1, 1, 1, 1]), slice_axis=0)
    turned_found = GradePredictor(classifier()).predict(turned).tables
    assert {n for _, n, p in turned_found[SLICES] if p == 0} == {3, 4}


def test_activation_lies_on_the_scan():
    own = scan()
    found = classifier().activation(own)
    assert list(found) == ["acl>0", "kl>0", "kl>1", "kl>2"]
    for volume in found.values():
        assert volume.shape == own.shape
        np.testing.assert_array_equal(volume.affine, own.affine)
        assert 0 <= volume.array.min() <= volume.array.max() <= 1


def test_each_answer_can_tell_where_the_network_looked():
    own, network = scan(), classifier()
    found = GradePredictor(network).predict(own)
    assert found.kind == Grades()
    assert [(g.name, g.highest) for g in found.grades] == [("acl", 1), ("kl", 3)]
    answers = [answer for grade in found.grades for answer in grade.answers]
    questions = [answer.question for answer in answers]
    assert questions == ["acl above 0", "kl above 0", "kl above 1", "kl above 2"]
    activation = network.activation(own)
    for answer, expected in zip(answers, activation.values(), strict=True):
        np.testing.assert_array_equal(answer.look().array, expected.array)
        np.testing.assert_array_equal(answer.look().affine, own.affine)
    with pytest.raises(ValueError, match="has no volume"):
        found.main  # noqa: B018 (a property that raises)


def test_the_mirror_image_is_graded_where_that_is_asked_for():
    own = scan()
    mirrored = Volume(own.array[:, ::-1], AFFINE, slice_axis=0)
    network = classifier()
    told = GradePredictor(network).predict(own).report["spread"].values
    assert told["measured"] is False and "--spread=report" in told["how"]
    told = GradePredictor(network, measure_spread=True).predict(own).report["spread"]
    assert told.values["measured"]
    for image, n in ((own, 0), (mirrored, 1)):
        for grade in GradePredictor(network).grades(image):
            for answer in grade.answers:
                pair = told.values["grades"][grade.name][answer.question]
                assert pair[n] == pytest.approx(answer.probability, rel=0.005)
