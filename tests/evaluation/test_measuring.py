"""Any task's subjects: comparisons in, numbers of subjects and of the cohort out."""

import weakref

import numpy as np
import pytest

from deepresolve.evaluation import measuring
from deepresolve.evaluation.results import CohortMeasurement
from deepresolve.metrics.comparison import Comparison
from deepresolve.metrics.table import METRICS, Metric


def brightness_class(subject):
    """Whether a scan is bright: wrong for the third subject."""
    truth = int(subject.subject[-1]) % 2
    found = truth if subject.subject != "knee-2" else 1 - truth
    yield Comparison("classes", truth, found, "toy", "ground_truth")
    yield Comparison(
        "probabilities", bool(truth), 0.2 + 0.5 * found, "toy", "ground_truth"
    )


def halves(subject):
    """Two images: the scan, and half of it."""
    scaled = subject.scale.apply(subject.image.array)
    for share, name in ((1.0, "all"), (0.5, "half")):
        yield Comparison("images", scaled, share * scaled, "toy", name, data_range=1.0)


def test_a_cohort_has_one_number_a_metric(subjects, make_subject):
    found = measuring.evaluate([*subjects, make_subject(3)], brightness_class)
    assert found.measurements == ()
    # Of classes 0, 1, 0, 1 the third came out as 1; of 4 pairs 2 are in order, 2 tie.
    # Of all 16 pairs of a reference and an estimate 8 differ, of the 4 subjects 1.
    assert found.cohort == (
        CohortMeasurement("toy", "ground_truth", "accuracy", None, 0.75, 4),
        CohortMeasurement("toy", "ground_truth", "weighted_kappa", None, 0.5, 4),
        CohortMeasurement("toy", "ground_truth", "roc_auc", None, 0.75, 4),
        # Probabilities of 0.2 and 0.7: errors of 0.2, 0.3, 0.7 and 0.3.
        CohortMeasurement(
            *("toy", "ground_truth", "brier", None), pytest.approx(0.71 / 4), 4
        ),
    )
    assert [s.subject for s in found.subjects][-1] == "knee-3"


def test_a_subject_has_one_number_a_metric_and_pair(subjects):
    told = []
    found = measuring.evaluate(subjects, halves, on_subject=told.append)
    assert found.cohort == ()
    of_first = [m for m in found.measurements if m.subject == "knee-0"]
    images = [name for name, metric in METRICS.items() if metric.of == "images"]
    assert [(m.image_set, m.metric) for m in of_first] == [
        (s, name) for s in ("all", "half") for name in images
    ]
    assert next(list(numbers) for numbers in told) == of_first
    by_name = {(m.image_set, m.metric): m.value for m in of_first}
    assert by_name["all", "rmse"] == 0
    assert by_name["half", "nrmse"] == pytest.approx(0.5)


def test_own_metrics_take_the_place_of_ours(subjects):
    def count(reference, estimate):
        return float(len(reference))

    metrics = {
        "count": Metric(count, "classes", "Number", "of subjects", over="cohort")
    }
    (one,) = measuring.evaluate(subjects, brightness_class, metrics=metrics).cohort
    assert (one.metric, one.value) == ("count", 3.0)


def test_groups_of_a_cohort_are_kept_apart(subjects):
    def two_networks(subject):
        n = int(subject.subject[-1])
        yield Comparison("values", float(n), n + 1.0, "one", "scan")
        yield Comparison("values", float(n), n + 2.0, "other", "scan")

    cohort = measuring.evaluate(subjects, two_networks).cohort
    biases = {m.source: m.value for m in cohort if m.metric == "bias"}
    assert biases == {"one": 1.0, "other": 2.0}


def test_values_of_two_units_are_kept_apart(subjects):
    def two_units(subject):
        n = float(subject.subject[-1])
        yield Comparison("values", n, n + 1.0, "one", "scan", unit="mm³")
        yield Comparison("values", n, n + 2.0, "one", "scan", unit="ms")

    cohort = measuring.evaluate(subjects, two_units).cohort
    biases = {m.unit: (m.value, m.n) for m in cohort if m.metric == "bias"}
    assert biases == {"mm³": (1.0, 3), "ms": (2.0, 3)}


def test_one_subject_is_held_at_a_time(make_subject):
    arrays = []

    def scans():
        for seed in range(3):
            assert all(array() is None for array in arrays)
            subject = make_subject(seed)
            arrays.append(weakref.ref(subject.image.array))
            yield subject
            del subject

    measuring.evaluate(scans(), halves)
    assert len(arrays) == 3


def test_what_cannot_be_measured_names_the_subject(subjects):
    def thin(subject):
        image = np.zeros((8, 8, 3))
        yield Comparison("images", image, image, "toy", "scan", data_range=1.0)

    with pytest.raises(ValueError, match="'knee-0': SSIM needs at least 7"):
        measuring.evaluate(subjects, thin)


def test_nobody_to_measure_is_told():
    with pytest.raises(ValueError, match="no subjects"):
        measuring.evaluate([], halves)
