import dataclasses
import weakref

import numpy as np
import pytest
from held_out import tci
from scipy import linalg
from skimage import metrics as skimage_metrics

from deepresolve.evaluation.table_1.experiment import evaluate
from deepresolve.evaluation.table_1.plan import Network, Plan
from deepresolve.imaging.degradation import (
    decimation_matrix,
    filter_matrix,
    interpolate,
    thicken,
)
from deepresolve.metrics.table import Metric, of

IMAGE_METRICS, LABEL_METRICS = of("images"), of("masks")
IMAGE_SETS = ("ground_truth", "sr", "tci", "fourier")


def test_every_metric_of_every_image_set_of_every_subject(results):
    keys = {(m.subject, m.image_set, m.metric) for m in results.measurements}
    assert len(keys) == len(results.measurements) == 3 * 3 * len(IMAGE_METRICS)
    assert {key[1] for key in keys} == set(IMAGE_SETS[1:])
    assert {m.source for m in results.measurements} == {"sr"}
    assert [s.subject for s in results.subjects] == ["knee-0", "knee-1", "knee-2"]
    assert len(results.seconds("sr")) == 3
    assert all(seconds >= 0 for seconds in results.seconds("sr"))


@pytest.mark.parametrize("metric", IMAGE_METRICS)
def test_a_network_that_adds_nothing_is_exactly_tci(results, metric):
    assert results.values(metric, "sr") == results.values(metric, "tci")


def test_half_the_error_is_six_decibel(better_results):
    gain = np.subtract(
        better_results.values("psnr", "sr"), better_results.values("psnr", "tci")
    )
    # Nearly: voxels below the thick scan's minimum are held there, in both.
    np.testing.assert_allclose(gain, 20 * np.log10(2), atol=2e-2)


@pytest.mark.parametrize(
    ("image_set", "method"), [("tci", "cubic"), ("fourier", "fourier")]
)
@pytest.mark.parametrize(("factor", "measured"), [(2, 19), (3, 19), (4, 17)])  # of 20
def test_numbers_equal_scikit_image_in_scan_units(
    make_subject, sr_plan, image_set, method, factor, measured
):
    """1 is high - low of the ground truth, so that is the data range in its units."""
    subject = make_subject(5)
    results = evaluate([subject], sr_plan(factor=factor))
    truth = subject.image.array[..., :measured].astype(float)
    thick = thicken(subject.image, factor)
    estimate = interpolate(thick, factor, method=method).array
    estimate = np.maximum(estimate, thick.array.min())  # as `predict` holds it
    span = subject.scale.high - subject.scale.low
    assert results.values("psnr", image_set) == pytest.approx(
        [skimage_metrics.peak_signal_noise_ratio(truth, estimate, data_range=span)],
        abs=1e-4,
    )
    # SSIM is not free of offset: its constants are relative to 0 of the scale.
    assert results.values("ssim", image_set) == pytest.approx(
        [
            skimage_metrics.structural_similarity(
                truth - subject.scale.low, estimate - subject.scale.low, data_range=span
            )
        ],
        abs=1e-4,
    )


def test_slices_past_the_last_acquired_one_are_not_compared(
    make_subject, segment, classes
):
    """They change no number but by way of the thick scan, which is held as it is.

    Of 24 slices, 0, 8 and 16 are kept; 7 lie past them. Three thick slices are three
    equations, which leaves four directions in which those 7 can change unseen.
    """
    subject = make_subject(8, shape=(24, 22, 24))
    thickening = decimation_matrix(24, 8) @ filter_matrix(24, 8)
    unseen = linalg.null_space(thickening[:, 17:])[:, 0]
    array = subject.image.array.astype(float)
    array[..., 17:] += 1000 * unseen
    label = subject.label.array.copy()
    label[..., 17:] = 4
    changed = dataclasses.replace(
        subject,
        image=subject.image.with_array(array),
        label=subject.label.with_array(label),
    )
    networks = {"sr": Network("SR", tci), "seg": Network("Seg", segment)}
    before, after = (
        evaluate([one], Plan(networks, 8, classes)) for one in (subject, changed)
    )
    assert len(before.measurements) > 0
    for a, b in zip(before.measurements, after.measurements, strict=True):
        assert dataclasses.replace(a, value=0.0) == dataclasses.replace(b, value=0.0)
        assert a.value == pytest.approx(b.value, abs=1e-4)


def test_every_class_of_every_segmented_set_is_measured(full_results):
    counts = {}
    for m in full_results.measurements:
        key = m.source, m.image_set, m.label_class
        counts[key] = counts.get(key, 0) + 1
    labels, images = len(LABEL_METRICS), len(IMAGE_METRICS)
    expected = {("sr", image_set, None): 8 * images for image_set in IMAGE_SETS[1:]}
    for tissue in ("bright tissue", "dark tissue"):
        expected |= {("seg", s, tissue): 8 * labels for s in IMAGE_SETS}
        expected["benchmark", "ground_truth", tissue] = 8 * labels
    assert counts == expected
    assert [len(full_results.seconds(n)) for n in ("sr", "seg", "benchmark")] == [
        8,
        4 * 8,
        8,
    ]


def test_dsc_equals_its_definition_by_hand(make_subject, segment, classes):
    subject = make_subject(3)
    results = evaluate([subject], Plan({"seg": Network("Seg", segment)}, 3, classes))
    tci = interpolate(thicken(subject.image, 3), 3).array
    low, high = np.percentile(tci, (0.1, 99.9))
    found = (tci - low) / (high - low) > 0.6
    true = subject.label.array[..., :19] == 4
    expected = 2 * (found & true).sum() / (found.sum() + true.sum())
    assert 0 < expected < 1
    values = results.values("dsc", "tci", network="seg", label_class="bright tissue")
    assert values == pytest.approx([expected], abs=1e-3)  # float32 at the threshold


def test_the_ground_truth_alone_is_segmented_without_a_factor(
    make_subject, segment, classes
):
    """All 20 slices, for which the network of the test is right."""
    plan = Plan({"seg": Network("Seg", segment)}, None, classes)
    results = evaluate([make_subject(0)], plan)
    assert {m.image_set for m in results.measurements} == {"ground_truth"}
    values = results.values(
        "dsc", "ground_truth", network="seg", label_class="dark tissue"
    )
    assert values == [1.0]
    assert results.example.images["ground_truth"].shape == (24, 22, 20)


def test_example_is_the_first_subject_as_measured(full_results, make_subject, segment):
    example, first = full_results.example, make_subject(0)
    assert example.subject == "knee-0"
    assert list(example.images) == list(IMAGE_SETS)
    np.testing.assert_array_equal(
        example.ground_truth.array, first.scale.apply(first.image.array)[..., :19]
    )
    assert full_results.subjects[0].shape == (24, 22, 20)  # the scan's, not measured
    assert example.ground_truth.plane == "sagittal"
    np.testing.assert_array_equal(
        example.reference.array, segment(first.scale.apply(first.image.array))[..., :19]
    )
    assert set(example.label_maps) == set(IMAGE_SETS)


def test_a_subject_is_let_go_before_the_next_is_read(make_subject, sr_plan):
    alive = []

    def stream():
        for seed in range(3):
            assert not any(reference() is not None for reference in alive)
            subject = make_subject(seed)
            alive.append(weakref.ref(subject.image.array))
            yield subject
            del subject

    evaluate(stream(), sr_plan())
    assert len(alive) == 3


def test_numbers_are_told_subject_by_subject(make_subject, sr_plan):
    told = []

    def stream():
        for seed in range(3):
            assert len(told) == seed
            yield make_subject(seed)

    results = evaluate(stream(), sr_plan(), on_subject=told.append)
    assert [m for numbers in told for m in numbers] == list(results.measurements)


def test_no_subjects_are_refused(sr_plan):
    with pytest.raises(ValueError, match="no subjects"):
        evaluate([], sr_plan())


def test_one_name_twice_is_refused(make_subject, sr_plan):
    subject = make_subject(0)
    with pytest.raises(ValueError, match="'knee-0' came twice"):
        evaluate([subject, subject], sr_plan())


def test_what_a_network_must_not_return_names_the_subject(make_subject, sr_plan):
    with pytest.raises(ValueError, match=r"'knee-0'.*finite voxels of shape"):
        evaluate([make_subject(0)], sr_plan(lambda thick, factor: thick.array * np.nan))


def test_a_subject_that_cannot_be_measured_is_named(make_subject, sr_plan):
    thin = make_subject(3, shape=(20, 20, 6))
    with pytest.raises(ValueError, match="'knee-3': SSIM needs at least 7"):
        evaluate([thin], sr_plan(factor=2))


def test_a_subject_without_labels_is_named(make_subject, segment, classes):
    bare = dataclasses.replace(make_subject(2), label=None)
    plan = Plan({"seg": Network("Seg", segment)}, None, classes)
    with pytest.raises(ValueError, match=r"'knee-2'.*has none"):
        evaluate([bare], plan)


def test_own_metrics_take_the_place_of_ours(make_subject, sr_plan):
    def largest_error(reference, estimate, *, spacing_mm, data_range):
        assert spacing_mm == pytest.approx((0.5, 0.6, 0.8))
        return float(np.abs(reference - estimate).max() / data_range)

    needs = ("spacing_mm", "data_range")
    metric = Metric(largest_error, "images", "Largest error", "0 is best", needs=needs)
    results = evaluate([make_subject(0)], sr_plan(metrics={"largest_error": metric}))
    assert results.values("largest_error", "sr")[0] > 0
