"""A scan in pieces: what is told of each, and where it is shown."""

import dataclasses

import numpy as np
import pytest
from slab_knees import LABEL_NAMES, slab_knee

from deepresolve import networks
from deepresolve.quantification import sites, unrolled
from deepresolve.quantification.knee import measure
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.classification.regions import (
    KIND,
    GradedRegions,
    RegionGrader,
)
from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.trained_run import TrainedRun

SMALL = ClassificationConfig(
    model="cnn_3d",
    num_levels=1,
    num_features=2,
    grades=("lesion",),
    regions="cartilage",
    patch_shape=(32, 20, 5),
)


@pytest.fixture(scope="module")
def knee():
    return slab_knee(4, plate=2)


@pytest.fixture(scope="module")
def graded(knee):
    """By hand: probable as the site lies to the front, in both plates."""
    measured = measure(knee.label, LABEL_NAMES)
    found = sites.along_cartilage(measured)
    front = np.array([site.centre_mm[1] for site in found])
    share = (front - front.min()) / np.ptp(front)
    names = LABEL_NAMES
    return GradedRegions(
        "cartilage", measured, knee.label, names, found, {"lesion": share}
    )


def run_of(folder, config=SMALL):
    workdir = Workdir(folder)
    workdir.start(config)
    workdir.save_model(networks.build_model(config), "best")
    return TrainedRun.open(str(folder))


def test_a_row_a_piece_tells_where_it_lies(graded):
    rows = list(graded.rows())
    assert len(rows) == len(graded.sites)
    for row, site in zip(rows, graded.sites, strict=True):
        told = dict(zip(KIND.columns, row, strict=True))
        assert told["label"] == "lesion" and told["place"] == site.place
        np.testing.assert_allclose(
            [told["x_mm"], told["y_mm"], told["z_mm"]], site.centre_mm
        )
        assert all(isinstance(cell, of) for cell, of in _typed(row))
    highest = graded.sites[int(np.argmax(graded.probabilities["lesion"]))]
    assert graded.summary.startswith(f"lesion: {len(rows)} pieces, the highest 100%")
    assert highest.region in graded.summary


def _typed(row):
    return zip(row, KIND.columns.values(), strict=True)


def test_each_voxel_of_cartilage_has_the_number_of_the_nearest_piece(graded, knee):
    found = graded.on_scan("lesion")
    np.testing.assert_allclose(found.affine, knee.label.affine)
    is_cartilage = np.isin(knee.label.array, (2, 3))
    assert not found.array[~is_cartilage].any()
    # Probabilities fall to the back by 1 in 25 mm: neighbours are 5 mm apart.
    inside = np.argwhere(is_cartilage)
    y_mm = -inside[:, 1] * 0.75
    front = np.array([site.centre_mm[1] for site in graded.sites])
    expected = (y_mm - front.min()) / np.ptp(front)
    away = np.abs(found.array[is_cartilage] - expected)
    assert away.max() < 6 / np.ptp(front) and away.mean() < 3 / np.ptp(front)


def test_the_map_laid_flat_falls_from_the_front_to_the_back(graded):
    for name, cells in graded.laid_flat("lesion").items():
        plate = unrolled.flatten(graded.knee, name)
        np.testing.assert_array_equal(np.isnan(cells), np.isnan(plate.thickness_mm))
        rows = np.nanmean(cells, axis=1)
        assert np.corrcoef(rows, plate.rows)[0, 1] < -0.9


def test_menisci_have_a_row_each(knee, tmp_path):
    config = SMALL.replace(regions="menisci", patch_shape=(40, 94, 28))
    found = RegionGrader(run_of(tmp_path, config)).grade(
        knee.scan, knee.label, LABEL_NAMES
    )
    assert [row[1] for row in found.rows()] == ["MM", "LM"]
    assert found.summary.startswith("lesion: MM ")


def test_a_whole_scan_is_never_graded_by_a_network_of_pieces(knee, tmp_path):
    run = run_of(tmp_path)
    with pytest.raises(ValueError, match="deepresolve lesions"):
        run.predict(knee.scan)
    found = RegionGrader(run).grade(knee.scan, knee.label, LABEL_NAMES)
    assert len(found.sites) > 20


def test_a_network_of_whole_scans_grades_no_pieces(tmp_path):
    run = run_of(tmp_path, dataclasses.replace(SMALL, regions="none"))
    with pytest.raises(ValueError, match="grades whole scans"):
        RegionGrader(run)


def test_a_label_map_without_menisci_is_told(knee, tmp_path):
    config = SMALL.replace(regions="menisci", patch_shape=(40, 94, 28))
    label = knee.label.with_array(np.where(knee.label.array > 6, 0, knee.label.array))
    with pytest.raises(ValueError, match="no menisci"):
        RegionGrader(run_of(tmp_path, config)).grade(knee.scan, label, LABEL_NAMES)
