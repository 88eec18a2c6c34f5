import dataclasses
import shutil

import numpy as np
import pytest

from deepresolve.imaging.acquisition import describe
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.runs import training_set
from deepresolve.runs.training_set import TrainingSet
from deepresolve.tasks.prediction import Labels
from deepresolve.tasks.segmentation.known_grid import KnownGrid
from deepresolve.tasks.segmentation.predictor import LabelMapPredictor
from deepresolve.tasks.trained_run import TrainedRun


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
    predictor = LabelMapPredictor(segmenter, probabilities=True, min_piece=0.2)
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
    assert Labels(names).probabilities == (
        "probability_femoral_cartilage",
        "probability_ACL_PCL",
        "probability_t2_",
    )


def test_of_an_image_alone_is_asked_what_it_was_held_at(segmenter):
    report = LabelMapPredictor(segmenter).predict(scan(*PIECE)).report
    grid = report.pop("grid").values
    assert not grid["resampled"]
    assert grid["scan_mm"] == grid["network_mm"] == [0.4, 0.5, 1.5]
    told = {name: section.values["measured"] for name, section in report.items()}
    assert told == {
        "anatomy": True,
        "consistency": False,
        "measures": False,
        "spread": False,
        "undershoot": False,
    }


KNOWN = KnownGrid(("sagittal",), (0.5, 0.6), (1.0, 1.5))


def ball(pixel_mm, slice_mm):
    """Sagittal, 24 mm wide, with a bright ball of 8 mm around its middle."""
    shape = round(24 / pixel_mm), round(24 / pixel_mm), round(24 / slice_mm)
    affine = affine_along_axes("IPR", (pixel_mm, pixel_mm, slice_mm))
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    from_middle = (places + 0.5) * (pixel_mm, pixel_mm, slice_mm) - 12
    inside = np.linalg.norm(from_middle, axis=-1) < 8
    return Volume(100 * inside.astype(np.float32), affine)


def test_a_scan_of_other_voxels_is_seen_in_those_that_are_known(threshold):
    fine = ball(0.25, 2.0)
    predictor = LabelMapPredictor(
        threshold(known=KNOWN), probabilities=True, spread="volume"
    )
    found = predictor.predict(fine)
    assert found.report["grid"].values == {
        "resampled": True,
        "plane": "sagittal",
        "scan_mm": [0.25, 0.25, 2.0],
        "network_mm": [0.5, 0.5, 1.5],
    }
    assert found.summary.endswith("; seen in voxels of 0.5 x 0.5 x 1.5 mm")
    # What was computed lies on the scan's own grid, its outline within it.
    for volume in found.volumes.values():
        np.testing.assert_array_equal(volume.affine, fine.affine)
        assert volume.shape == fine.shape
    true, label_map = fine.array > 0, found.label_map.array == 1
    dice = 2 * np.sum(true & label_map) / (np.sum(true) + np.sum(label_map))
    assert dice > 0.97
    assert found.volumes["spread"].array.max() < 1e-3  # a ball is its mirror image
    # Pixels are as coarse as it knows, slices as coarse as they are.
    np.testing.assert_allclose(found.seen.spacing_mm, (0.5, 0.5, 2.0))


def test_a_scan_that_is_known_or_of_which_nobody_knows_is_seen_as_it_is(threshold):
    for known, scan in ((KNOWN, ball(0.5, 1.5)), (None, ball(0.25, 2.0))):
        found = LabelMapPredictor(threshold(known=known)).predict(scan)
        assert found.seen is None and "seen in" not in found.summary
        assert not found.report["grid"].values["resampled"]
        np.testing.assert_array_equal(found.label_map.array, scan.array > 0)


def test_slices_of_another_plane_are_turned(threshold):
    scan = ball(0.5, 2.0)
    turn = np.array([[0.0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    coronal = dataclasses.replace(scan, affine=turn @ scan.affine)
    assert coronal.plane == "coronal"
    found = LabelMapPredictor(threshold(known=KNOWN)).predict(coronal)
    assert "as sagittal slices" in found.summary
    assert found.seen.plane == "sagittal"
    np.testing.assert_array_equal(found.label_map.affine, coronal.affine)
    true, label_map = coronal.array > 0, found.label_map.array == 1
    dice = 2 * np.sum(true & label_map) / (np.sum(true) + np.sum(label_map))
    assert dice > 0.97


def test_the_run_says_what_is_known_unless_told_not_to(seg_workdir, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(seg_workdir.path, folder)
    seen = TrainingSet({1: (describe(ball(0.5, 1.5)),)}, 1, "0" * 64)
    (folder / training_set.FILE).write_text(seen.to_json())
    run, fine = TrainedRun.open(str(folder)), ball(0.25, 1.5)
    assert run.predict(fine).report["grid"].values["resampled"]
    assert not run.predict(fine, resample=False).report["grid"].values["resampled"]
