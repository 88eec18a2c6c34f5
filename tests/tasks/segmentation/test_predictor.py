import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.tasks.prediction import Labels
from deepresolve.tasks.segmentation.predictor import (
    LabelMapPredictor,
    probability_names,
)


def scan(*bright):
    """(8, 8, 8) voxels of 0.3 mm³, all dark but those given."""
    array = np.zeros((8, 8, 8), np.float32)
    for voxel in bright:
        array[voxel] = 100
    return Volume(array, np.diag([0.5, 0.4, 1.5, 1.0]))


# Eight voxels in one piece, and one apart.
PIECE = tuple((i, j, k) for i in (1, 2) for j in (1, 2) for k in (1, 2))
ISLAND = (6, 6, 6)


@pytest.fixture(scope="module")
def segmenter(threshold):
    return threshold()


def test_label_map_and_table(segmenter):
    predictor = LabelMapPredictor(segmenter)
    assert predictor.volume_names == ()
    prediction = predictor.predict(scan(*PIECE, ISLAND))
    assert prediction.summary == "femoral cartilage 3 mm³"  # 9 voxels of 0.3 mm³
    assert prediction.kind == Labels(("femoral cartilage",))
    assert set(prediction.volumes) == {"label_map"}
    label_map = prediction.label_map
    assert label_map is prediction.main
    assert label_map.array.dtype == np.uint8
    np.testing.assert_array_equal(label_map.affine, scan().affine)
    voxels = np.argwhere(label_map.array).tolist()
    assert sorted(map(tuple, voxels)) == sorted([*PIECE, ISLAND])
    assert set(predictor.tables) == {"volumes"}
    ((name, label, count, tissue_mm3),) = prediction.tables["volumes"]
    assert (name, label, count) == ("femoral cartilage", 1, 9)
    assert tissue_mm3 == pytest.approx(9 * 0.3)
    with pytest.raises(ValueError, match=r"has no image; it has \['label_map'\]"):
        prediction.image  # noqa: B018


def test_a_second_scan_knows_nothing_of_the_first(segmenter):
    predictor = LabelMapPredictor(segmenter, spread="volume")
    before = predictor.predict(scan(*PIECE))
    other = predictor.predict(scan(*PIECE, ISLAND))
    again = predictor.predict(scan(*PIECE))
    assert (
        other.tables["volumes"] != again.tables["volumes"] == before.tables["volumes"]
    )
    assert again.report == before.report
    for name in ("label_map", "spread"):
        np.testing.assert_array_equal(
            again.volumes[name].array, before.volumes[name].array
        )


def test_islands_go_and_probabilities_stay(segmenter):
    predictor = LabelMapPredictor(segmenter, probabilities=True, largest_only=True)
    assert predictor.volume_names == ("probability_femoral_cartilage",)
    prediction = predictor.predict(scan(*PIECE, ISLAND))
    label_map = prediction.label_map.array
    assert label_map.sum() == 8
    assert label_map[ISLAND] == 0
    assert prediction.tables["volumes"][0][2] == 8
    probability = prediction.volumes["probability_femoral_cartilage"].array
    assert probability.dtype == np.float32
    assert probability[ISLAND] == pytest.approx(1)
    assert probability[0, 0, 0] == pytest.approx(0)


def test_names_become_parts_of_file_names():
    names = ("femoral cartilage", "ACL/PCL", "t2*")
    assert probability_names(names) == (
        "probability_femoral_cartilage",
        "probability_ACL_PCL",
        "probability_t2_",
    )


def test_of_an_image_alone_is_asked_what_it_was_held_at(segmenter):
    report = LabelMapPredictor(segmenter).predict(scan(*PIECE)).report
    told = {name: section.values["measured"] for name, section in report.items()}
    assert told == {"consistency": False, "spread": False, "undershoot": False}
