import dataclasses

import numpy as np
import pytest

from deepresolve.evaluation import measuring
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import METRICS, Metric, of
from deepresolve.tasks.segmentation.measuring import class_comparisons, comparisons
from deepresolve.tasks.trained_run import TrainedRun

LABEL_NAMES = {1: "femoral cartilage", 4: "medial meniscus", 7: "lateral meniscus"}


def volume(array, spacing_mm=(0.5, 0.6, 0.8)):
    return Volume(array, np.diag([*spacing_mm, 1.0]))


def measured(subject, reference, estimate, class_names, metrics=METRICS):
    """Numbers by (metric, class) of two label maps."""
    comparisons = class_comparisons(
        volume(reference), volume(estimate), class_names, network="seg", image_set="sr"
    )
    return {
        (m.metric, m.label_class): m.value
        for comparison in comparisons
        for m in measuring.of_comparison(subject, comparison, metrics)
    }


def test_every_class_is_measured_and_its_volume(make_subject):
    reference, estimate = np.zeros((2, 10, 10, 10), np.uint8)
    reference[2:6, 2:6, 2:6] = 1  # 64 voxels
    estimate[3:7, 2:6, 2:6] = 1  # of which 48 are common
    reference[8:, 8:, 8:] = 2  # 8 voxels, all missed
    found = measured(make_subject(0), reference, estimate, ("one", "two"))
    assert len(found) == 2 * len(of("masks"))
    assert found["dsc", "one"] == pytest.approx(2 * 48 / 128)
    assert found["voe", "one"] == pytest.approx(1 - 48 / 80)
    assert (found["dsc", "two"], found["voe", "two"]) == (0, 1)
    assert found["volume_mm3", "one"] == pytest.approx(64 * 0.5 * 0.6 * 0.8)
    assert found["volume_mm3", "two"] == 0
    assert found["reference_volume_mm3", "two"] == pytest.approx(8 * 0.24)


def test_metrics_get_the_spacing(make_subject):
    seen = []

    def function(reference, estimate, *, spacing_mm):
        seen.append(spacing_mm)
        return 0.0

    metric = Metric(function, "masks", "Own", "0 is best", needs=("spacing_mm",))
    blank = np.zeros((3, 4, 5), np.uint8)
    assert measured(make_subject(0), blank, blank, ("one",), {"own": metric})
    assert seen[0] == pytest.approx((0.5, 0.6, 0.8))


@pytest.fixture(scope="module")
def trained(seg_workdir):
    return TrainedRun.open(seg_workdir.path)


def test_masks_and_volumes_are_those_of_the_prediction(trained, make_subject):
    subject, predictor = make_subject(0), trained.predictor(dtype="float32")
    found = list(comparisons(trained, predictor, subject, LABEL_NAMES))
    names = ["femoral cartilage", "menisci"]
    assert [(c.kind, c.label_class) for c in found] == [
        (kind, name) for name in names for kind in ("masks", "values")
    ]
    label_map = predictor.predict(subject.image).label_map.array
    true = {1: subject.label.array == 1, 2: np.isin(subject.label.array, (4, 7))}
    voxel_mm3 = 0.5 * 0.6 * 0.8
    pairs = zip(found[::2], found[1::2], strict=True)
    for number, (masks, volumes) in enumerate(pairs, start=1):
        np.testing.assert_array_equal(masks.reference, true[number])
        np.testing.assert_array_equal(masks.estimate, label_map == number)
        assert volumes.unit == "mm³"
        assert volumes.reference == pytest.approx(true[number].sum() * voxel_mm3)
        counted = np.count_nonzero(label_map == number)
        assert counted
        assert volumes.estimate == pytest.approx(counted * voxel_mm3)


def test_labels_are_needed(trained, make_subject):
    bare = dataclasses.replace(make_subject(0), label=None)
    with pytest.raises(ValueError, match="measured against labels; it has none"):
        list(comparisons(trained, trained.predictor(), bare, LABEL_NAMES))


def test_the_labels_need_the_classes(trained, make_subject):
    with pytest.raises(ValueError, match="'femoral cartilage'"):
        list(comparisons(trained, trained.predictor(), make_subject(0), {1: "femur"}))
