import numpy as np
import pytest
import tensorflow as tf
from held_out import tci
from scipy.interpolate import CubicSpline

from deepresolve.imaging.degradation import thicken
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.tasks.super_resolution.measuring import comparisons, image_comparisons
from deepresolve.tasks.super_resolution.restoration import restored_images
from deepresolve.tasks.super_resolution.views import restoring
from deepresolve.tasks.trained_run import TrainedRun


class Brighter:
    """A predictor that adds a tenth of the thick scan's range to TCI."""

    restored_factor = 3

    def restore(self, thick, factor, progress=False):
        return tci(thick, factor) + np.float32(0.1)


def test_images_are_in_units_of_the_scan_over_the_acquired_slices(make_subject):
    subject = make_subject(2)
    found = list(comparisons(None, Brighter(), subject, {}))
    assert [c.image_set for c in found] == ["sr", "tci", "fourier"]
    low, high = subject.scale.low, subject.scale.high
    restored, _ = restored_images(
        subject.image, Brighter().restore, downsample_factor=3
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


def test_a_network_of_views_is_told_how_the_scan_was_made_thick(
    views_workdir, make_subject, monkeypatch
):
    seen = []

    def quarter(views):
        """A network that adds 0.25 in each part."""
        seen.append(np.asarray(views)[0, 0, 0, 1:])
        return tf.fill((*views.shape[:3], 8), 0.25)

    monkeypatch.setattr(restoring, "graph_of", lambda model: quarter)
    monkeypatch.setattr(restoring.data_consistency, "hold", lambda *_: None)
    run, subject = TrainedRun.open(views_workdir.path), make_subject(4)
    predictor = run.predictor(downsample_factor=4)
    sr, found, _ = comparisons(run, predictor, subject, {})
    # Pixels of 0.5 x 0.6 mm, slices of 4 x 0.8 mm that touch, phase-encoded.
    expected = [(1, 0.6 / 3.2, 1), (1, 0.5 / 3.2, 1)]
    np.testing.assert_allclose(seen, expected, rtol=1e-6)
    # A quarter of a thick slice is two of its eight parts, each from the spline.
    thick = thicken(subject.image, 4).array
    last = thick.shape[2] - 1
    spline = CubicSpline(np.arange(last + 1), thick, axis=2)
    centres = np.arange(4 * last + 1) / 4
    parts = [spline(np.clip(centres + at, 0, last)) for at in (-1 / 16, 1 / 16)]
    scale = estimate_scale(thick)
    expected = np.mean(parts, axis=0) + 0.25 * (scale.high - scale.low)
    expected = subject.scale.apply(np.maximum(expected, thick.min()))
    np.testing.assert_allclose(sr.estimate, expected, atol=1e-5)
    assert sr.estimate.shape == found.estimate.shape == sr.reference.shape


def test_a_network_of_views_measured_unless_told_triples_the_slices(
    views_workdir, make_subject
):
    run = TrainedRun.open(views_workdir.path)
    sr, found, _ = comparisons(run, run.predictor(), make_subject(4), {})
    assert sr.estimate.shape == (24, 22, 19)  # of 20 slices 0, 3, .., 18 are acquired
    assert np.abs(sr.estimate - found.estimate).max() > 1e-3


def test_the_ground_truth_is_the_reference_of_every_image(make_subject):
    truth, other = make_subject(0).image, make_subject(1).image
    found = list(image_comparisons(truth, {"a": other, "b": truth}))
    assert [(c.source, c.image_set) for c in found] == [("sr", "a"), ("sr", "b")]
    assert all(c.reference is truth.array for c in found)
    assert found[0].estimate is other.array
