import concurrent.futures
import csv
import dataclasses
import io

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.prediction import tissue_volumes

NAMES = ("femur", 'tibia, "medial"', "patella")


def label_map(affine):
    array = np.zeros((4, 5, 6), np.uint8)
    array[:2, :3, 0] = 1  # 6 voxels
    array[3, 4, :2] = 3  # 2 voxels
    return Volume(array, affine)


def test_classes_are_counted_in_voxels_and_cubic_millimetres():
    spacing = np.diag([0.5, 0.4, 1.5, 1.0])  # 0.3 mm³ a voxel
    femur, tibia, patella = tissue_volumes.measure(label_map(spacing), NAMES, "a")
    assert (femur.label, tibia.label, patella.label) == (1, 2, 3)
    assert (femur.voxels, tibia.voxels, patella.voxels) == (6, 0, 2)
    assert femur.volume_mm3 == pytest.approx(1.8)
    assert tibia.volume_mm3 == 0
    assert patella.volume_mm3 == pytest.approx(0.6)


def test_neither_side_nor_shear_changes_a_volume():
    left = np.diag([-0.5, 0.4, 1.5, 1.0])
    sheared = np.diag([0.5, 0.4, 1.5, 1.0])
    sheared[0, 2] = 0.7  # slices step sideways; the determinant is as before
    for affine in (left, sheared):
        femur = tissue_volumes.measure(label_map(affine), NAMES, "a")[0]
        assert femur.volume_mm3 == pytest.approx(1.8)


def test_table_reads_back():
    volumes = tissue_volumes.measure(label_map(np.eye(4)), NAMES, "p1_knee.nii.gz")
    rows = list(csv.DictReader(io.StringIO(tissue_volumes.to_csv(volumes))))
    assert [row["class"] for row in rows] == list(NAMES)
    assert rows[0] == {
        "scan": "p1_knee.nii.gz",
        "class": "femur",
        "label": "1",
        "voxels": "6",
        "volume_mm3": "6.0",
    }


def test_table_is_read_as_it_was_written(tmp_path):
    table = tmp_path / "volumes.csv"
    assert tissue_volumes.read_csv(table) == []
    volumes = tissue_volumes.measure(label_map(np.eye(4) / 3), NAMES, "a, b.nii.gz")
    table.write_text(tissue_volumes.to_csv(volumes))
    read = tissue_volumes.read_csv(table)
    # 1 / 27 mm³ a voxel, by four digits; the voxels are exact.
    expected = [float(f"{v.voxels / 27:.4g}") for v in volumes]
    assert [v.volume_mm3 for v in read] == expected
    assert [dataclasses.replace(v, volume_mm3=0) for v in read] == [
        dataclasses.replace(v, volume_mm3=0) for v in volumes
    ]
    assert tissue_volumes.to_csv(read) == table.read_text()  # written again, the same


def test_a_table_that_a_spreadsheet_saved_is_added_to(tmp_path):
    # As one of Western Europe does: semicolons, its own code page and line ends.
    table = tmp_path / "volumes.csv"
    first, second = (
        tissue_volumes.measure(label_map(np.eye(4)), NAMES[:1], name)
        for name in ("André.nii.gz", "b.nii.gz")
    )
    text = tissue_volumes.to_csv(first).replace(",", ";").replace("\n", "\r\n")
    table.write_bytes(text.encode("cp1252"))
    tissue_volumes.add_to_csv(table, second)
    assert tissue_volumes.read_csv(table) == [*first, *second]


@pytest.mark.parametrize(
    "text", ["", "subject,side\nx,left\n", "scan,class,label,voxels"]
)
def test_another_table_is_not_overwritten(tmp_path, text):
    table = tmp_path / "volumes.csv"
    table.write_text(text)
    with pytest.raises(ValueError, match=r"volumes\.csv is no table of tissue volumes"):
        tissue_volumes.read_csv(table)


def test_rows_are_added_and_replaced(tmp_path):
    table = tmp_path / "volumes.csv"
    rows = {
        name: tissue_volumes.measure(label_map(np.eye(4)), NAMES, name)
        for name in ("a.nii.gz", "b.nii.gz", "c.nii.gz")
    }
    tissue_volumes.add_to_csv(table, [*rows["a.nii.gz"], *rows["b.nii.gz"]])
    thick = np.diag([1.0, 1.0, 2.0, 1.0])
    again = tissue_volumes.measure(label_map(thick), NAMES, "a.nii.gz")
    tissue_volumes.add_to_csv(table, [*again, *rows["c.nii.gz"]])
    read = tissue_volumes.read_csv(table)
    assert read == [*rows["b.nii.gz"], *again, *rows["c.nii.gz"]]


def test_commands_that_share_a_table_lose_no_row(tmp_path):
    table = tmp_path / "volumes.csv"
    names = [f"{number}.nii.gz" for number in range(24)]

    def add(name):
        volumes = tissue_volumes.measure(label_map(np.eye(4)), NAMES, name)
        tissue_volumes.add_to_csv(table, volumes)

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(threads.map(add, names))
    scans = [row.scan for row in tissue_volumes.read_csv(table)]
    assert sorted(scans) == sorted(names * len(NAMES))
