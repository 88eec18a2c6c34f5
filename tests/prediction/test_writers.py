import csv

import nibabel as nib
import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.prediction.writers import LabelMapWriter, probability_endings


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


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_label_map_and_table(segmenter, tmp_path):
    folder, table = tmp_path / "new", tmp_path / "new" / "volumes.csv"
    writer = LabelMapWriter(segmenter, table)
    told = writer.write(scan(*PIECE, ISLAND), folder / "a.nii.gz")
    assert told == "femoral cartilage 3 mm³"  # 9 voxels of 0.3 mm³
    label_map = nib.load(folder / "a.nii.gz")
    assert label_map.get_data_dtype() == np.uint8
    np.testing.assert_allclose(label_map.affine, scan().affine, atol=1e-6)
    voxels = np.argwhere(np.asarray(label_map.dataobj)).tolist()
    assert sorted(map(tuple, voxels)) == sorted([*PIECE, ISLAND])
    assert writer.endings == ()
    assert sorted(p.name for p in folder.glob("[!.]*")) == ["a.nii.gz", "volumes.csv"]


def test_table_holds_every_scan_so_far(segmenter, tmp_path):
    table = tmp_path / "volumes.csv"
    writer = LabelMapWriter(segmenter, table)
    writer.write(scan(*PIECE), tmp_path / "a.nii.gz")
    assert [row["scan"] for row in read_rows(table)] == ["a.nii.gz"]
    writer.write(scan(*PIECE, ISLAND), tmp_path / "b.nii")
    rows = read_rows(table)
    assert [row["scan"] for row in rows] == ["a.nii.gz", "b.nii"]
    assert [row["voxels"] for row in rows] == ["8", "9"]
    assert float(rows[1]["volume_mm3"]) == pytest.approx(9 * 0.3)
    assert {row["class"] for row in rows} == {"femoral cartilage"}
    assert {row["label"] for row in rows} == {"1"}


def test_islands_go_and_probabilities_stay(segmenter, tmp_path):
    table = tmp_path / "volumes.csv"
    writer = LabelMapWriter(segmenter, table, probabilities=True, largest_only=True)
    assert writer.endings == ("_probability_femoral_cartilage",)
    writer.write(scan(*PIECE, ISLAND), tmp_path / "a.nii.gz")
    label_map = np.asarray(nib.load(tmp_path / "a.nii.gz").dataobj)
    assert label_map.sum() == 8
    assert label_map[ISLAND] == 0
    assert read_rows(table)[0]["voxels"] == "8"
    name = "a_probability_femoral_cartilage.nii.gz"
    probability = nib.load(tmp_path / name)
    assert probability.get_data_dtype() == np.float32
    assert np.asarray(probability.dataobj)[ISLAND] == pytest.approx(1)
    assert np.asarray(probability.dataobj)[0, 0, 0] == pytest.approx(0)


def test_table_that_cannot_be_written_is_an_error(segmenter, tmp_path):
    writer = LabelMapWriter(segmenter, tmp_path / "volumes.csv")
    (tmp_path / "volumes.csv").mkdir()
    with pytest.raises(OSError, match=r"volumes\.csv"):
        writer.write(scan(*PIECE), tmp_path / "a.nii.gz")


def test_names_become_parts_of_file_names():
    names = ("femoral cartilage", "ACL/PCL", "t2*")
    assert probability_endings(names) == (
        "_probability_femoral_cartilage",
        "_probability_ACL_PCL",
        "_probability_t2_",
    )


def test_a_later_command_replaces_its_own_rows_alone(segmenter, tmp_path):
    table = tmp_path / "volumes.csv"
    first = LabelMapWriter(segmenter, table)
    for name in ("a.nii.gz", "b.nii.gz"):
        first.write(scan(*PIECE), tmp_path / name)
    LabelMapWriter(segmenter, table).write(scan(*PIECE, ISLAND), tmp_path / "a.nii.gz")
    voxels = {row["scan"]: row["voxels"] for row in read_rows(table)}
    assert voxels == {"a.nii.gz": "9", "b.nii.gz": "8"}
