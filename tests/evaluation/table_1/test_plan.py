import numpy as np
import pytest

from deepresolve.evaluation.table_1.plan import IMAGE_SETS, Classes, Network, Plan
from deepresolve.imaging.volume import Volume

ANY = Network("any", lambda scaled: scaled)


def test_classes_are_found_among_the_labels_by_name_and_merged():
    names = {3: "medial", 5: "lateral", 9: "femoral"}
    classes = Classes.of(("femoral", "tibial=medial+lateral"), names)
    assert classes.names == ("femoral", "tibial")
    array = np.array([0, 3, 5, 9, 3], np.uint8).reshape(5, 1, 1)
    found = classes.reference(Volume(array, np.eye(4))).array
    assert found.ravel().tolist() == [0, 2, 2, 1, 2]
    assert found.dtype == np.uint8


def test_a_class_that_the_study_lacks_is_refused():
    with pytest.raises(ValueError, match=r"'patella'.*the records have: femur"):
        Classes.of(("patella",), {1: "femur"})


@pytest.mark.parametrize(
    ("networks", "factor", "expected"),
    [
        (("sr",), 3, IMAGE_SETS),
        (("seg",), 3, ("ground_truth", "tci", "fourier")),
        (("seg",), None, ("ground_truth",)),
    ],
)
def test_image_sets_follow_from_networks_and_factor(
    networks, factor, expected, classes
):
    plan = Plan(dict.fromkeys(networks, ANY), factor, classes)
    assert plan.image_sets == expected


def test_the_benchmark_sees_the_ground_truth_alone(classes):
    plan = Plan(dict.fromkeys(("benchmark", "seg", "sr"), ANY), 2, classes)
    assert plan.segmentations == ("seg", "benchmark")
    assert plan.segmented_sets("seg") == IMAGE_SETS
    assert plan.segmented_sets("benchmark") == ("ground_truth",)


@pytest.mark.parametrize(
    ("networks", "factor", "message"),
    [
        ((), 3, "needs some of the networks"),
        (("sgg",), 3, "'sgg'"),
        (("sr",), None, "needs a downsample factor"),
        (("sr",), 9, "9"),
        (("seg",), 3, "needs its classes"),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused(networks, factor, message):
    with pytest.raises(ValueError, match=message):
        Plan(dict.fromkeys(networks, ANY), factor)
