import numpy as np
import pytest

from deepresolve.evaluation.table_1 import segmentation


def test_an_image_is_scaled_by_its_own_percentiles(make_subject):
    image = make_subject(0).image
    seen = []

    def remember(scaled):
        seen.append(scaled.array)
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
