import numpy as np
import pytest

from deepresolve.evaluation import measuring
from deepresolve.evaluation.table_1 import segmentation
from deepresolve.imaging.volume import Volume
from deepresolve.metrics.table import METRICS, Metric, of


def volume(array, spacing_mm=(0.5, 0.6, 0.8)):
    return Volume(array, np.diag([*spacing_mm, 1.0]))


def measured(subject, reference, estimate, class_names, metrics=METRICS):
    """Numbers by (metric, class) of two label maps."""
    comparisons = segmentation.comparisons(
        volume(reference), volume(estimate), class_names, network="seg", image_set="sr"
    )
    return {
        (m.metric, m.label_class): m.value
        for comparison in comparisons
        for m in measuring.of_comparison(subject, comparison, metrics)
    }


def test_an_image_is_scaled_by_its_own_percentiles(make_subject):
    image = make_subject(0).image
    seen = []

    def remember(scaled):
        seen.append(scaled)
        return np.zeros(scaled.shape, np.uint8)

    for units in (image, image.with_array(5 + 2.0 * image.array)):
        segmentation.segment(units, remember, 1)
    low, high = np.percentile(image.array, (0.1, 99.9))
    np.testing.assert_allclose(seen[0], (image.array - low) / (high - low), atol=1e-5)
    np.testing.assert_allclose(seen[1], seen[0], atol=1e-5)


def test_a_label_map_lies_on_the_grid_of_its_image(make_subject, segment):
    image = make_subject(1).image
    found, seconds = segmentation.segment(image, segment, 2)
    assert found.array.dtype == np.uint8
    np.testing.assert_array_equal(found.affine, image.affine)
    assert seconds >= 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: np.zeros(x.shape[:2], np.uint8),
        lambda x: np.zeros(x.shape, np.float32),
        lambda x: np.full(x.shape, 3, np.uint8),
    ],
    ids=["shape", "probabilities", "no such class"],
)
def test_what_a_network_must_not_return(make_subject, wrong):
    with pytest.raises(ValueError, match=r"whole numbers from 0 to 2 of shape \(24"):
        segmentation.segment(make_subject(0).image, wrong, 2)


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
