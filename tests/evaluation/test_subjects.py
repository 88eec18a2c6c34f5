import dataclasses
import weakref

import numpy as np
import pytest
from scipy import linalg
from skimage import metrics as skimage_metrics

from deepresolve.evaluation.subjects import (
    IMAGE_SETS,
    acquired_span,
    evaluate_super_resolution,
    restored_images,
)
from deepresolve.imaging.degradation import (
    decimation_matrix,
    filter_matrix,
    interpolate,
    thicken,
)
from deepresolve.imaging.intensity import estimate_scale


def identity(interpolated):
    return interpolated


def test_every_metric_of_every_image_set_of_every_subject(results):
    keys = {(m.subject, m.image_set, m.metric) for m in results.measurements}
    assert len(keys) == len(results.measurements) == 3 * 3 * 2
    assert {key[1] for key in keys} == set(IMAGE_SETS)
    assert [s.subject for s in results.subjects] == ["knee-0", "knee-1", "knee-2"]
    assert all(s.seconds >= 0 for s in results.subjects)


@pytest.mark.parametrize("metric", ["ssim", "psnr"])
def test_a_network_that_adds_nothing_is_exactly_tci(results, metric):
    assert results.values("sr", metric) == results.values("tci", metric)


def test_half_the_error_is_six_decibel(better_results):
    gain = np.subtract(
        better_results.values("sr", "psnr"), better_results.values("tci", "psnr")
    )
    np.testing.assert_allclose(gain, 20 * np.log10(2), atol=1e-3)


@pytest.mark.parametrize(
    ("image_set", "method"), [("tci", "cubic"), ("fourier", "fourier")]
)
@pytest.mark.parametrize(("factor", "measured"), [(2, 19), (3, 19), (4, 17)])  # of 20
def test_numbers_equal_scikit_image_in_scan_units(
    make_subject, image_set, method, factor, measured
):
    """1 is high - low of the ground truth, so that is the data range in its units."""
    subject = make_subject(5)
    results = evaluate_super_resolution([subject], identity, downsample_factor=factor)
    truth = subject.image.array[..., :measured].astype(float)
    thick = thicken(subject.image, factor)
    estimate = interpolate(thick, factor, method=method).array
    span = subject.scale.high - subject.scale.low
    assert results.values(image_set, "psnr") == pytest.approx(
        [skimage_metrics.peak_signal_noise_ratio(truth, estimate, data_range=span)],
        abs=1e-4,
    )
    # SSIM is not free of offset: its constants are relative to 0 of the scale.
    assert results.values(image_set, "ssim") == pytest.approx(
        [
            skimage_metrics.structural_similarity(
                truth - subject.scale.low, estimate - subject.scale.low, data_range=span
            )
        ],
        abs=1e-4,
    )


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_span_ends_with_the_last_kept_slice(make_subject, factor):
    for num_slices in (1, 2, 8, 9, 10, 16, 17):
        image = make_subject(0, shape=(8, 9, num_slices)).image
        last_kept = range(num_slices)[::factor][-1]
        span = acquired_span(image, factor)
        np.testing.assert_array_equal(span.array, image.array[..., : last_kept + 1])
        np.testing.assert_array_equal(span.affine, image.affine)


def test_slices_past_the_last_acquired_one_are_not_compared(make_subject):
    """They change no number but by way of the thick scan, which is held as it is.

    Of 24 slices, 0, 8 and 16 are kept; 7 lie past them. Three thick slices are three
    equations, which leaves four directions in which those 7 can change unseen.
    """
    subject = make_subject(8, shape=(24, 22, 24))
    thickening = decimation_matrix(24, 8) @ filter_matrix(24, 8)
    unseen = linalg.null_space(thickening[:, 17:])[:, 0]
    array = subject.image.array.astype(float)
    array[..., 17:] += 1000 * unseen
    changed = dataclasses.replace(subject, image=subject.image.with_array(array))
    before, after = (
        evaluate_super_resolution([one], identity, downsample_factor=8)
        for one in (subject, changed)
    )
    for a, b in zip(before.measurements, after.measurements, strict=True):
        assert dataclasses.replace(a, value=0.0) == dataclasses.replace(b, value=0.0)
        assert a.value == pytest.approx(b.value, abs=1e-4)


def test_network_sees_tci_scaled_by_the_thick_scan_alone(make_subject):
    subject = make_subject(6)
    seen = []

    def remember(interpolated):
        seen.append(interpolated)
        return interpolated

    evaluate_super_resolution([subject], remember, downsample_factor=3)
    thick = thicken(subject.image, 3)
    expected = interpolate(thick, 3).array  # slice 18 is the last kept
    scale = estimate_scale(thick.array)
    assert seen[0].dtype == np.float32
    np.testing.assert_allclose(
        seen[0], (expected - scale.low) / (scale.high - scale.low), atol=1e-5
    )


def test_images_are_in_scan_units_on_the_grid_of_the_scan(make_subject):
    image = make_subject(7).image
    images, _ = restored_images(image, lambda x: x + 1, downsample_factor=4)
    scale = estimate_scale(thicken(image, 4).array)
    assert set(images) == set(IMAGE_SETS)
    for volume in images.values():
        assert volume.shape == (24, 22, 17)  # slices 0, 4, .., 16 are acquired
        np.testing.assert_array_equal(volume.affine, image.affine)
        assert volume.array.dtype == np.float32
    np.testing.assert_allclose(
        images["sr"].array - images["tci"].array, scale.high - scale.low, rtol=1e-5
    )


def test_example_is_the_first_subject_as_measured(subjects, results):
    assert results.example.subject == "knee-0"
    first = subjects[0]
    np.testing.assert_array_equal(
        results.example.ground_truth.array,
        first.scale.apply(first.image.array)[..., :19],
    )
    assert results.subjects[0].shape == (24, 22, 20)  # the scan's, not the measured
    assert results.example.ground_truth.plane == "sagittal"


def test_a_subject_is_let_go_before_the_next_is_read(make_subject):
    alive = []

    def stream():
        for seed in range(3):
            assert not any(reference() is not None for reference in alive)
            subject = make_subject(seed)
            alive.append(weakref.ref(subject.image.array))
            yield subject
            del subject

    evaluate_super_resolution(stream(), identity, downsample_factor=3)
    assert len(alive) == 3


def test_no_subjects_are_refused():
    with pytest.raises(ValueError, match="no subjects"):
        evaluate_super_resolution([], identity, downsample_factor=3)


def test_one_name_twice_is_refused(make_subject):
    subject = make_subject(0)
    with pytest.raises(ValueError, match="'knee-0' came twice"):
        evaluate_super_resolution([subject, subject], identity, downsample_factor=3)


@pytest.mark.parametrize("wrong", [lambda x: x[..., :-1], lambda x: x * np.nan])
def test_what_the_network_must_not_return(make_subject, wrong):
    with pytest.raises(ValueError, match=r"'knee-0'.*finite voxels of shape"):
        evaluate_super_resolution([make_subject(0)], wrong, downsample_factor=3)


def test_a_subject_that_cannot_be_measured_is_named(make_subject):
    thin = make_subject(3, shape=(20, 20, 6))
    with pytest.raises(ValueError, match="'knee-3': SSIM needs at least 7"):
        evaluate_super_resolution([thin], identity, downsample_factor=2)


def test_own_metrics_take_the_place_of_ours(make_subject):
    def largest_error(reference, estimate, *, spacing_mm, data_range):
        assert spacing_mm == pytest.approx((0.5, 0.6, 0.8))
        return float(np.abs(reference - estimate).max() / data_range)

    results = evaluate_super_resolution(
        [make_subject(0)],
        identity,
        downsample_factor=3,
        metrics={"largest_error": largest_error},
    )
    assert results.values("sr", "largest_error")[0] > 0
