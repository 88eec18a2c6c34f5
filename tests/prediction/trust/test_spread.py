import types

import numpy as np
import pytest

from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume
from deepresolve.prediction.trust import spread
from deepresolve.prediction.trust.spread import MirrorSpread
from deepresolve.prediction.writers import LabelMapWriter


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
    (flag,) = spread.flags({"classes": numbers})
    assert flag.what == "spread: left"
    assert "47.1%" in flag.text


def test_a_network_that_knows_no_left_or_right_has_no_spread(threshold, tmp_path):
    array = np.random.default_rng(1).random((8, 7, 6)).astype(np.float32)
    scan = Volume(array, np.diag([0.5, 0.4, 1.5, 1.0]))
    # The axial slices' columns run from right to left.
    for neighbour, expected in (((1, 1, 1), 0), ((1, 0, 1), 0.1)):
        segmenter = threshold(neighbour)
        writer = LabelMapWriter(segmenter, tmp_path / "v.csv", spread="volume")
        assert writer.endings == ("_spread",)
        writer.write(scan, tmp_path / "a.nii.gz")
        (of_class,) = writer.spread["classes"].values()
        assert (of_class["mean_disagreement"] > expected) == bool(expected)
    assert (tmp_path / "a_spread.nii.gz").exists()


def test_slices_seen_alone_are_the_same_in_a_mirror(one_convolution, tmp_path):
    array = np.random.default_rng(1).random((8, 7, 6)).astype(np.float32)
    sagittal = Volume(array, np.diag([1.5, 0.5, 0.5, 1.0]), slice_axis=0)
    kernel = np.zeros((3, 3, 3, 2))
    segmenter = one_convolution(kernel, (0, 0), ("femur",), model="unet_2d")
    writer = LabelMapWriter(segmenter, tmp_path / "v.csv", spread="report")
    writer.write(sagittal, tmp_path / "a.nii.gz")
    assert writer.spread["measured"] is False
    assert "one sagittal slice at a time" in writer.spread["why"]
    asked_for = LabelMapWriter(segmenter, tmp_path / "v.csv", spread="volume")
    with pytest.raises(ValueError, match="flips do nothing here"):
        asked_for.write(sagittal, tmp_path / "a.nii.gz")


def test_flips_have_both_ways_at_hand(threshold, tmp_path):
    passes = []
    segmenter = threshold(flips=True)
    network = segmenter._network
    segmenter._network = lambda voxels: passes.append(1) or network(voxels)
    scan = Volume(np.random.default_rng(1).random((8, 7, 6)), np.eye(4))
    writer = LabelMapWriter(segmenter, tmp_path / "v.csv")
    writer.write(scan, tmp_path / "a.nii.gz")
    assert writer.spread["measured"]
    assert len(passes) == 2
    assert writer.endings == ()


def test_super_resolution_that_depends_on_the_row():
    """A network that adds 0.1 to the first half of the rows, and nothing else."""
    array = np.random.default_rng(2).random((8, 6, 5)).astype(np.float32) * 500
    array[0, 0, 0] = -900  # so dark that nothing else is held at the minimum
    scan = Volume(array, np.diag([1, 1, 3, 1.0]))

    def enhance(interpolated, progress=False):
        result = interpolated.copy()
        result[: len(result) // 2] += 0.1
        return result

    canonical = scan.canonical()
    scale = estimate_scale(array)
    thin = interpolate(canonical.with_array(scale.apply(canonical.array)), 3)
    thin = thin.with_array(scale.invert(enhance(thin.array))).restore()
    resolver = types.SimpleNamespace(enhance=enhance)
    numbers, deviation = spread.of_super_resolution(resolver, scan, 3, thin)
    # Of three passes one differs by 0.1: the deviation is 0.1 / sqrt(3) everywhere.
    assert numbers["mean"] == pytest.approx(0.1 / np.sqrt(3), rel=1e-2)
    expected = 0.1 / np.sqrt(3) * (scale.high - scale.low)
    np.testing.assert_allclose(deviation.array, expected, rtol=1e-3)
    assert deviation.shape == thin.shape
    np.testing.assert_allclose(deviation.affine, thin.affine)
