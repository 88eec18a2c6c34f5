import concurrent.futures
import csv
import io

import pytest

from deepresolve.prediction import scan_tables
from deepresolve.tasks.segmentation.sizes import KIND

NAMES = ("femur", 'tibia, "medial"', "patella")


def rows_of(scan, names=NAMES, tissue_mm3=6.0):
    return [(scan, name, n, 6, tissue_mm3) for n, name in enumerate(names, start=1)]


def test_table_reads_back():
    text = scan_tables.to_csv(KIND, rows_of("p1_knee.nii.gz"))
    rows = list(csv.DictReader(io.StringIO(text)))
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
    assert scan_tables.read(table, KIND) == []
    rows = rows_of("a, b.nii.gz", tissue_mm3=0.2222)
    table.write_text(scan_tables.to_csv(KIND, rows))
    read = scan_tables.read(table, KIND)
    assert read == rows
    assert (
        scan_tables.to_csv(KIND, read) == table.read_text()
    )  # written again, the same


@pytest.mark.parametrize(
    ("number", "text"),
    [
        *[(1702.123456789, "1702.123"), (0.1 + 0.2, "0.3"), (2 / 3, "0.6666667")],
        *[(3.0, "3.0"), (1.5e-9, "1.5e-09"), (float("nan"), "nan")],
    ],
)
def test_numbers_have_the_digits_of_a_float32(number, text):
    rows = scan_tables.to_csv(KIND, rows_of("a", NAMES[:1], number))
    assert rows.splitlines()[1] == f"a,femur,1,6,{text}"
    assert float(text) == pytest.approx(number, rel=2**-20, nan_ok=True)


def test_a_table_that_a_spreadsheet_saved_is_added_to(tmp_path):
    # As one of Western Europe does: semicolons, its own code page and line ends.
    table = tmp_path / "volumes.csv"
    first, second = (rows_of(n, NAMES[:1]) for n in ("André.nii.gz", "b.nii.gz"))
    text = scan_tables.to_csv(KIND, first).replace(",", ";").replace("\n", "\r\n")
    table.write_bytes(text.encode("cp1252"))
    scan_tables.add(table, KIND, second)
    assert scan_tables.read(table, KIND) == [*first, *second]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "subject,side\nx,left\n",
        "scan,class,label,voxels",
        "scan,class,label,voxels,volume_mm3\na,femur,1,many,2.0\n",
    ],
)
def test_another_table_is_not_overwritten(tmp_path, text):
    table = tmp_path / "volumes.csv"
    table.write_text(text)
    with pytest.raises(ValueError, match=r"volumes\.csv is no table of tissue volumes"):
        scan_tables.read(table, KIND)
    with pytest.raises(ValueError, match=r"volumes\.csv is no table of tissue volumes"):
        scan_tables.add(table, KIND, rows_of("a"))
    assert table.read_text() == text


def test_rows_are_added_and_replaced(tmp_path):
    table = tmp_path / "volumes.csv"
    rows = {name: rows_of(name) for name in ("a.nii.gz", "b.nii.gz", "c.nii.gz")}
    scan_tables.add(table, KIND, [*rows["a.nii.gz"], *rows["b.nii.gz"]])
    again = rows_of("a.nii.gz", tissue_mm3=12.0)
    scan_tables.add(table, KIND, [*again, *rows["c.nii.gz"]])
    read = scan_tables.read(table, KIND)
    assert read == [*rows["b.nii.gz"], *again, *rows["c.nii.gz"]]


def test_commands_that_share_a_table_lose_no_row(tmp_path):
    table = tmp_path / "volumes.csv"
    names = [f"{number}.nii.gz" for number in range(24)]
    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: scan_tables.add(table, KIND, rows_of(n)), names))
    scans = [scan for scan, *_ in scan_tables.read(table, KIND)]
    assert sorted(scans) == sorted(names * len(NAMES))


def test_a_table_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "volumes.csv").mkdir()
    with pytest.raises(OSError, match=r"volumes\.csv"):
        scan_tables.add(tmp_path / "volumes.csv", KIND, rows_of("a.nii.gz"))
