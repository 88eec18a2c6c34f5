import pytest

from deepresolve.evaluation.table_1.plan import IMAGE_SETS, Network, Plan

ANY = Network("any", lambda scaled: scaled)


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


def test_images_are_called_after_the_network_that_made_them(classes):
    plan = Plan({"sr": Network("SR views", lambda scaled: scaled)}, 3)
    assert list(plan.titles.values()) == ["Ground truth", "SR views", "TCI", "Fourier"]
    without = Plan({"seg": ANY}, 3, classes)
    assert list(without.titles) == list(IMAGE_SETS)


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
