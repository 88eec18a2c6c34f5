import numpy as np
import pytest

from deepresolve.metrics.table import Metric
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.segmentation.validation import SegmentationValidation, overlay
from deepresolve.training.validation.blocks import Block

CONFIG = SegmentationConfig(
    model="seg_cnn",
    classes=("brick", "round ball"),
    validation_shape=(20, 40, 8),
)
CYAN, ORANGE, MAGENTA = (0, 0.9, 1), (1, 0.5, 0), (1, 0, 0.8)


@pytest.fixture
def scan(labelled_data):
    return labelled_data.validation[0]


@pytest.fixture
def validation(labelled_data):
    return SegmentationValidation(CONFIG, labelled_data.label_names)


@pytest.fixture
def block(scan, validation):
    return validation.cut(scan)[0]


def test_block_is_the_middle_with_the_classes_of_the_run(scan, block):
    # (24 - 20) // 2 = 2 and (16 - 8) // 2 = 4; 20 columns are all there are.
    label = scan.label.array[2:22, :, 4:12]
    np.testing.assert_array_equal(block.target.array == 1, label == 4)
    np.testing.assert_array_equal(block.target.array == 2, label == 1)
    assert block.target.array.dtype == np.uint8
    np.testing.assert_array_equal(block.input.array, scan.image.array[2:22, :, 4:12])
    np.testing.assert_allclose(block.input.affine, block.target.affine)


def test_block_is_on_the_grid_of_the_run(scan, labelled_data):
    """Voxels of 3 x 1 x 1 mm, as (rows, columns, slices) of 1, 1 and 3 mm."""
    config = CONFIG.replace(grid_mm=(2.0, 3.0), validation_shape=(24, 24, 24))
    (block,) = SegmentationValidation(config, labelled_data.label_names).cut(scan)
    np.testing.assert_allclose(block.input.spacing_mm, (2, 2, 3))
    assert block.input.shape == block.target.shape == (12, 10, 16)
    halved = scan.image.array.reshape(12, 2, 10, 2, 16).mean(axis=(1, 3))
    np.testing.assert_allclose(block.input.array, halved, atol=1e-6)
    ball = np.argwhere(block.target.array == 2).mean(axis=0)
    true = np.argwhere(scan.label.array == 1).mean(axis=0)
    np.testing.assert_allclose(ball * (2, 2, 1) + (0.5, 0.5, 0), true, atol=0.3)


def test_scan_without_labels_is_named(scan, validation):
    with pytest.raises(ValueError, match=r"'knee-2' has no labels.*--label_names"):
        validation.cut(scan._replace(label=None))


def test_class_in_no_block_is_named(block, validation):
    bare = block._replace(target=block.target.with_array(block.target.array // 2))
    with pytest.raises(ValueError, match=r"'round ball' has no voxel .* knee-2"):
        validation.describe([bare])


def test_blocks_are_told(block, validation):
    bricks, balls = (int((block.target.array == n).sum()) for n in (1, 2))
    assert validation.describe([block, block]) == (
        f"The validation blocks hold brick {2 * bricks} voxels, round ball {2 * balls} "
        "voxels."
    )


def test_estimate_is_the_most_probable_class(validation):
    output = np.array([[[[0.2, 0.5, 0.3], [0.4, 0.2, 0.4], [0.1, 0.2, 0.7]]]])
    estimate = validation.estimate(output)
    np.testing.assert_array_equal(estimate, [[[1, 0, 2]]])  # the first of equals
    assert estimate.dtype == np.uint8


def test_scores_are_means_over_blocks_and_then_classes(sagittal, dice):
    reference = np.zeros((2, 2, 4), np.uint8)
    reference[0], reference[1] = 1, 2
    shifted = np.roll(reference, 1, axis=1)  # still right
    halved = reference.copy()
    halved[0, 0] = 0  # brick: 2 * 4 / (8 + 4) = 2/3
    block = Block("knee-2", sagittal(reference), sagittal(reference))
    validation = SegmentationValidation(CONFIG, {}, {"dsc": dice})
    measured = validation.scores([block, block], [shifted, halved])
    assert measured == {
        "dsc": pytest.approx((5 / 6 + 1) / 2),
        "dsc_brick": pytest.approx((1 + 2 / 3) / 2),
        "dsc_round_ball": pytest.approx(1),
    }


def test_score_that_is_not_defined_for_a_block_does_not_count(sagittal):
    def undefined(reference, estimate):
        return float(reference.mean()) if reference.any() else float("nan")

    arrays = np.ones((2, 2, 2), np.uint8), np.full((2, 2, 2), 2, np.uint8)
    blocks = [Block("knee", sagittal(a), sagittal(a)) for a in arrays]
    share = Metric(undefined, "masks", "Share", "of the mask, where there is one")
    validation = SegmentationValidation(CONFIG, {}, {"share": share})
    measured = validation.scores(blocks, list(arrays))
    assert measured == {"share": 1, "share_brick": 1, "share_round_ball": 1}


def test_overlay_has_the_colours_of_its_legend():
    grey = np.full((5, 7), 0.4)
    reference, predicted = np.zeros((2, 5, 7), np.uint8)
    reference[:, 1:6] = 1
    predicted[:, 2:5] = 1
    predicted[2, 3] = 2
    predicted[2, 6] = 1
    image = overlay(grey, reference, predicted)
    half = 0.5 * 0.4
    row = [image[2, column] for column in range(7)]
    expected = [
        (0.4, 0.4, 0.4),
        CYAN,
        tuple(half + 0.5 * np.array(ORANGE)),
        tuple(half + 0.5 * np.array(MAGENTA)),
        tuple(half + 0.5 * np.array(ORANGE)),
        CYAN,
        tuple(half + 0.5 * np.array(ORANGE)),
    ]
    np.testing.assert_allclose(row, expected)


def test_pictures_show_the_three_planes_with_square_pixels(block, validation):
    images = validation.draw(block, block.target.array)
    name = "reference_cyan_prediction_orange"
    # 20 x 20 x 8 voxels of 1 x 1 x 3 mm; 20 pixels a voxel give at least 384.
    assert {tag: image.shape for tag, image in images.items()} == {
        f"{name}/sagittal": (1, 400, 400, 3),
        f"{name}/axial": (1, 400, 480, 3),
        f"{name}/coronal": (1, 400, 480, 3),
    }
    for image in images.values():
        assert image.min() >= 0
        assert image.max() <= 1
        assert np.isclose(image, CYAN).all(axis=-1).any()
        red, green, blue = np.moveaxis(image, -1, 0)
        assert ((red > green) & (green > blue)).any()  # orange
        assert not ((red > green) & (blue > green)).any()  # magenta


def test_slice_with_most_of_the_reference_is_drawn(sagittal, validation):
    grey = np.linspace(0, 1, 8, dtype=np.float32) * np.ones((8, 8, 8), np.float32)
    reference = np.zeros((8, 8, 8), np.uint8)
    reference[4, 4, 2] = 1
    reference[1, 1:3, 5] = 1
    block = Block("knee-2", sagittal(grey), sagittal(reference))
    images = validation.draw(block, 0 * reference)
    sagittal_image = images["reference_cyan_prediction_orange/sagittal"]
    # Slice 5 of 0..7 is 5/7 bright, and the 99th percentile is white.
    np.testing.assert_allclose(sagittal_image[0, -1, -1], 5 / 7, atol=1e-3)
