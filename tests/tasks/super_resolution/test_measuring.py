import numpy as np
import pytest

from deepresolve.tasks.super_resolution.measuring import comparisons, image_comparisons
from deepresolve.tasks.super_resolution.restoration import restored_images
from deepresolve.tasks.trained_run import TrainedRun


class Brighter:
    """A predictor that adds a tenth of the thick scan's range to TCI."""

    training_factor = 3

    def enhance(self, interpolated, progress=False):
        return interpolated + np.float32(0.1)


def test_images_are_in_units_of_the_scan_over_the_acquired_slices(make_subject):
    subject = make_subject(2)
    found = list(comparisons(None, Brighter(), subject, {}))
    assert [c.image_set for c in found] == ["sr", "tci", "fourier"]
    low, high = subject.scale.low, subject.scale.high
    restored, _ = restored_images(
        subject.image, Brighter().enhance, downsample_factor=3
    )
    for comparison in found:
        truth = subject.image.array[..., :19]  # of 20 slices 0, 3, .., 18 are acquired
        expected = (truth - low) / (high - low)
        np.testing.assert_allclose(comparison.reference, expected, atol=1e-5)
        image = (restored[comparison.image_set].array - low) / (high - low)
        np.testing.assert_allclose(comparison.estimate, image, atol=1e-5)
        assert (comparison.kind, comparison.data_range) == ("images", 1.0)
        assert comparison.spacing_mm == pytest.approx((0.5, 0.6, 0.8))
    sr, tci, _ = (comparison.estimate for comparison in found)
    assert (sr > tci).all()


def test_the_network_is_that_of_the_run(silent_workdir, make_subject):
    trained = TrainedRun.open(silent_workdir.path)
    subject = make_subject(3, shape=(32, 32, 34))
    found = list(comparisons(trained, trained.predictor(), subject, {}))
    sr, tci, fourier = (comparison.estimate for comparison in found)
    np.testing.assert_allclose(sr, tci, atol=1e-5)  # its residual is 0
    assert np.abs(fourier - tci).max() > 1e-3


def test_the_ground_truth_is_the_reference_of_every_image(make_subject):
    truth, other = make_subject(0).image, make_subject(1).image
    found = list(image_comparisons(truth, {"a": other, "b": truth}))
    assert [(c.source, c.image_set) for c in found] == [("sr", "a"), ("sr", "b")]
    assert all(c.reference is truth.array for c in found)
    assert found[0].estimate is other.array
