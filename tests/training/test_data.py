import numpy as np
import pytest

from deepresolve import tasks
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.training.data import TrainingData

CONFIG = SuperResolutionConfig(patch_shape=(8, 8, 8))


def check_data(config, data):
    assert tasks.find(config.task).checked_pairs(config, data).config is config


def make(volume_source, array):
    volumes = volume_source([array])
    return TrainingData(
        volumes=volumes,
        shapes={"knee-0": array.shape},
        validation=[],
        label_names={},
        num_labelled=0,
        records="shards",
        sha256="abc",
    )


def test_data_that_fits_passes(volume_source):
    check_data(CONFIG, make(volume_source, np.ones((8, 9, 10), np.float32)))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((8, 9, 7), np.float32), r"knee-0 has \(8, 9, 7\)"),
        (np.zeros((8, 8, 8), np.float32), "all would be skipped as air"),
    ],
)
def test_what_cannot_be_cut_is_refused(volume_source, array, message):
    with pytest.raises(ValueError, match=message):
        check_data(CONFIG, make(volume_source, array))


def test_no_volumes_are_refused(volume_source):
    data = make(volume_source, np.ones((8, 8, 8), np.float32))
    with pytest.raises(ValueError, match="no training volumes"):
        check_data(CONFIG, data._replace(shapes={}))


SEGMENTATION = SegmentationConfig(
    model="seg_cnn",
    classes=("brick", "any=round ball"),
    patch_shape=(8, 8, 8),
    min_tissue=0.0,
)


def test_labelled_data_passes(labelled_data):
    check_data(SEGMENTATION, labelled_data)


def test_labelled_air_is_refused(labelled_data):
    config = SEGMENTATION.replace(min_tissue=0.5, air_threshold=5.0)
    with pytest.raises(ValueError, match="all would be skipped as air"):
        check_data(config, labelled_data)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_labelled": 0}, "Only 0 of the 2 training scans of shards .* --labels"),
        ({"num_labelled": 1}, "Only 1 of the 2 training scans of shards .* --labels"),
        ({"label_names": {}}, "shards: .* have no named labels.*--label_names"),
        (
            {"label_names": {1: "round ball"}},
            "shards: The class 'brick' .* the records have: round ball",
        ),
    ],
)
def test_labels_that_do_not_do_are_refused(labelled_data, changes, message):
    with pytest.raises(ValueError, match=message):
        check_data(SEGMENTATION, labelled_data._replace(**changes))


def test_class_without_its_mirror_image_is_refused(labelled_data):
    names = {1: "brick", 2: "left round ball"}
    config = SEGMENTATION.replace(classes=("left round ball",), random_mirror=True)
    with pytest.raises(ValueError, match="becomes 'right round ball'"):
        check_data(config, labelled_data._replace(label_names=names))


def test_super_resolution_needs_no_labels(labelled_data):
    config = SuperResolutionConfig(patch_shape=(8, 8, 8))
    check_data(config, labelled_data._replace(num_labelled=0, label_names={}))
