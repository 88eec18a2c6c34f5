import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.tasks.segmentation import spread
from deepresolve.tasks.segmentation.predictor import LabelMapPredictor
from deepresolve.tasks.segmentation.spread import MirrorSpread


def two_classes(labels):
    """Probabilities of 0.8 for a label, 0.1 for each other one."""
    return 0.1 + 0.7 * np.eye(3, dtype=np.float32)[labels]


def test_classes_both_ways():
    straight, mirrored = np.zeros((2, 4, 5, 6), int)
    straight[1, :, :2] = 1  # 10 voxels
    mirrored[1, :, :1] = 2  # 5 of them, under the name of its mirror image
    both = MirrorSpread(("left", "right"))
    both(two_classes(straight), two_classes(mirrored), (0, 2, 1))
    numbers = both.numbers(voxel_mm3=0.5)["classes"]
    left = numbers["left"]
    assert left["volumes_mm3"] == [5, 2.5]
    # Standard deviation of 10 and 5 is 5 / sqrt(2), their mean 7.5.
    assert left["coefficient_of_variation"] == pytest.approx(0.471, rel=1e-2)
    assert left["dice"] == pytest.approx(2 * 5 / 15, rel=1e-2)
    # Of ten voxels five agree, the others have moved 0.7 to the background.
    assert left["mean_disagreement"] == pytest.approx(0.35, rel=1e-2)
    assert np.sum(both.disagreement) == pytest.approx(5 * 0.7, rel=1e-5)
    assert numbers["right"]["dice"] is None
    (finding,) = spread.findings(numbers)
    assert finding.what == "spread: left"
    assert "47.1%" in finding.text


def test_a_network_that_knows_no_left_or_right_has_no_spread(threshold):
    array = np.random.default_rng(1).random((8, 7, 6)).astype(np.float32)
    scan = Volume(array, np.diag([0.5, 0.4, 1.5, 1.0]))
    # The axial slices' columns run from right to left.
    for neighbour, expected in (((1, 1, 1), 0), ((1, 0, 1), 0.1)):
        predictor = LabelMapPredictor(threshold(neighbour), spread="volume")
        assert predictor.volume_names == ("spread",)
        prediction = predictor.predict(scan)
        (of_class,) = prediction.report["spread"].values["classes"].values()
        assert (of_class["mean_disagreement"] > expected) == bool(expected)
        volume = prediction.volumes["spread"]
        assert volume.shape == scan.shape
        assert (volume.array.max() > expected) == bool(expected)


def test_slices_seen_alone_are_the_same_in_a_mirror(one_convolution):
    array = np.random.default_rng(1).random((8, 7, 6)).astype(np.float32)
    sagittal = Volume(array, np.diag([1.5, 0.5, 0.5, 1.0]), slice_axis=0)
    kernel = np.zeros((3, 3, 3, 2))
    segmenter = one_convolution(kernel, (0, 0), ("femur",), model="unet_2d")
    predictor = LabelMapPredictor(segmenter, spread="report")
    told = predictor.predict(sagittal).report["spread"].values
    assert told["measured"] is False
    assert "one sagittal slice at a time" in told["why"]
    asked_for = LabelMapPredictor(segmenter, spread="volume")
    with pytest.raises(ValueError, match="flips do nothing here"):
        asked_for.predict(sagittal)


def test_flips_have_both_ways_at_hand(threshold):
    passes = []
    segmenter = threshold(flips=True)
    network = segmenter._network
    segmenter._network = lambda *given: passes.append(1) or network(*given)
    scan = Volume(np.random.default_rng(1).random((8, 7, 6)), np.eye(4))
    predictor = LabelMapPredictor(segmenter)
    assert predictor.predict(scan).report["spread"].values["measured"]
    assert len(passes) == 2
    assert predictor.volume_names == ()
