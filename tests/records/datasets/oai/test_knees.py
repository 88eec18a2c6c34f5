"""OAI's DICOM tree, its contents tables and iMorphics' contours."""

import numpy as np
import pytest
import scipy.io

from records import conversion, manifest, reader, stored
from records.datasets import Oai

HEADER = "Folder,ParticipantID,StudyDate,Barcode,StudyDescription,SeriesDescription\n"
SAGITTAL = {
    # Rows grow to the back and columns downwards; slices then step to the right (LPS).
    "ImageOrientationPatient": [0, 1, 0, 0, 0, -1],
    "PixelSpacing": [0.5, 0.75],
}


@pytest.fixture
def series(tmp_path, write_stack):
    """Writes a series of four slices and returns its row of the table."""

    def write(folder, description="SAG_3D_DESS_LEFT", month="00m"):
        path = tmp_path / "oai" / month / folder
        path.parent.mkdir(parents=True, exist_ok=True)
        write_stack(
            path.relative_to(tmp_path),
            each=lambda n: {"position": (-4 * n, 0, 0), "name": f"{n + 1:03d}"},
            SeriesDescription=description,
            **SAGITTAL,
        )
        return row(folder, description)

    return write


def row(folder, description="SAG_3D_DESS_LEFT"):
    _, person, date, barcode = folder.split("/")
    return f"{folder},{person},{date},0166{barcode},OAI MR LEFT,{description}\n"


@pytest.fixture
def table(tmp_path):
    def write(*rows, header=HEADER, name="oai/00m/contents.csv"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(header + "".join(rows))
        return path

    return write


@pytest.fixture
def contours(tmp_path):
    """Saves a 2 x 2 square of femoral cartilage in the first of four slices."""

    def save(name, num_slices=4):
        cell = np.empty((1, 1), object)
        # Columns 1 and 2; y from the bottom of 5 rows: rows 2 and 3.
        cell[0, 0] = np.array([(0.5, 1.5), (2.5, 1.5), (2.5, 3.5), (0.5, 3.5)])
        data = np.empty((1, num_slices), [("FemoralCartilage", object)])
        for index in range(num_slices):
            data[0, index] = (cell if index == 0 else np.zeros((0, 0)),)
        path = tmp_path / "labels" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        scipy.io.savemat(path, {"datastruct": data})
        return path

    return save


def subjects(tmp_path, **options):
    return list(Oai(str(tmp_path / "oai"), **options).subjects(seed=0))


FIRST = "0.C.2/9001104/20041118/10296205"
SECOND = "1.C.2/9001104/20051120/10661412"


def test_series_of_the_table_are_scans(tmp_path, series, table):
    table(
        series(FIRST),
        series("0.E.1/9002116/20050301/10101001", "SAG_3D_DESS_RIGHT"),
        row("0.C.2/9001104/20041118/10296206", "COR_IW_TSE_LEFT"),
    )
    table(series(SECOND, month="12m"), name="oai/12m/contents.12m.csv")
    found = subjects(tmp_path)
    assert [(s.id, s.person, s.side, s.split) for s in found] == [
        ("9001104_V00_left", "9001104", "left", None),
        ("9002116_V00_right", "9002116", "right", None),
        ("9001104_V01_left", "9001104", "left", None),
    ]
    assert found[0].source == FIRST
    loaded = found[0].load()
    image, label = loaded.image, loaded.label
    assert (image.orientation, image.slice_axis, label) == ("PIR", 2, None)
    assert image.shape == (3, 5, 4)
    assert Oai(str(tmp_path)).label_names == {}


@pytest.mark.parametrize(
    "header",
    [HEADER.upper(), HEADER.lower(), "\ufeff" + HEADER, HEADER.replace(",", " , ")],
)
def test_columns_may_be_written_in_any_case(tmp_path, series, table, header):
    table(series(FIRST), header=header)
    assert [s.id for s in subjects(tmp_path)] == ["9001104_V00_left"]


def test_folders_may_be_written_as_on_windows_and_start_at_the_source(
    tmp_path, series, table
):
    line = series(FIRST, month=".").replace("/", "\\")
    given = table(line, name="elsewhere/list.csv")
    (found,) = subjects(tmp_path, contents=str(given))
    assert found.folder == tmp_path / "oai" / FIRST
    assert found.source == FIRST


def test_the_visit_may_stand_in_the_name_of_the_table(tmp_path, series, table):
    line = series(FIRST, month="24m").replace("0.C.2", ".")
    (tmp_path / "oai" / "24m" / "0.C.2" / "9001104").rename(
        tmp_path / "oai" / "24m" / "9001104"
    )
    table(line, name="oai/24m/contents.csv")
    assert [s.id for s in subjects(tmp_path)] == ["9001104_V03_left"]


def test_other_series_are_chosen_by_their_description(tmp_path, series, table):
    table(series(FIRST), series(FIRST[:-1] + "6", "SAG_T2_MAP_RIGHT"))
    (found,) = subjects(tmp_path, series_descriptions=("sag_t2_map_right",))
    assert found.id == "9001104_V00_right"
    with pytest.raises(
        ValueError, match=r"no series X .*are: SAG_3D_DESS_LEFT, SAG_T2"
    ):
        subjects(tmp_path, series_descriptions=("X",))


def test_a_series_of_no_side_is_refused(tmp_path, series, table):
    table(series(FIRST, "AX_T1_THIGH"))
    with pytest.raises(ValueError, match="'AX_T1_THIGH' does not say LEFT or RIGHT"):
        subjects(tmp_path, series_descriptions=("AX_T1_THIGH",))


def test_folders_that_are_not_there_are_left_out_and_told(
    tmp_path, series, table, caplog
):
    table(series(FIRST), row("0.C.2/9002116/20041118/10296299"))
    assert len(subjects(tmp_path)) == 1
    assert "1 of 2 series have no folder and are left out" in caplog.text


def test_a_folder_of_two_tables_is_one_scan(tmp_path, series, table):
    line = series(FIRST)
    table(line)
    table(f"00m/{line}", name="oai/contents_all.csv")
    assert len(subjects(tmp_path)) == 1


def test_no_folder_at_all_is_an_error(tmp_path, table):
    table(row(FIRST))
    with pytest.raises(
        FileNotFoundError, match=r"none of 1 series has its folder.*10296"
    ):
        subjects(tmp_path)


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        ([], "Folder,ParticipantID\n", "contents.csv: no column seriesdescription"),
        ([], "", "got an empty file"),
        (
            ["0.C.2/9/1/2,,x,y,z,SAG_3D_DESS_LEFT\n"],
            HEADER,
            "line 2: no value in the c",
        ),
        (
            ["../../9,9,x,y,z,SAG_3D_DESS_LEFT\n"],
            HEADER,
            "line 2: .*leads out of the tr",
        ),
        (
            ["a/b,9,x,y,z,SAG_3D_DESS_LEFT\n"],
            HEADER,
            r"line 2: no visit in 'a/b'.*0\.C",
        ),
    ],
)
def test_a_wrong_table_is_refused(tmp_path, table, rows, header, message):
    table(*rows, header=header, name="oai/contents.csv")
    with pytest.raises(ValueError, match=message):
        subjects(tmp_path)


def test_a_missing_table_says_where_it_was_looked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        subjects(tmp_path)
    (tmp_path / "oai").mkdir()
    with pytest.raises(ValueError, match=r"no contents.csv in it.*as --contents"):
        subjects(tmp_path)


def test_two_scans_of_one_knee_in_a_visit_are_refused(tmp_path, series, table):
    again = FIRST[:-1] + "9"
    table(series(FIRST), series(again))
    with pytest.raises(
        ValueError, match=rf"more than once.*\n  9001104_V00_left: {FIRST}"
    ):
        subjects(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "9001104_V00.mat",
        "9001104_v00_left.MAT",
        "V00/9001104.mat",
        "00m/9001104.mat",
        "9001104_20041118_SAG_3D_DESS_LEFT_016610296205.mat",
    ],
)
def test_contours_find_their_scan(tmp_path, series, table, contours, name, caplog):
    table(series(FIRST))
    table(series(SECOND, month="12m"), name="oai/12m/contents.csv")
    path = contours(name)
    dataset = Oai(str(tmp_path / "oai"), labels=str(tmp_path / "labels"))
    (found,) = dataset.subjects(seed=0)
    assert (found.id, found.label_path) == ("9001104_V00_left", path)
    assert "no contours for 1 of 2 knees: they are left out" in caplog.text
    result = stored.load(found, dataset.label_names)
    label = result.label.restore()
    expected = np.zeros((3, 5, 4), np.uint8)
    expected[1:3, 2:4, 0] = 1
    np.testing.assert_array_equal(label.array, expected)
    assert result.label_sha256


def test_the_slice_order_reaches_the_contours(tmp_path, series, table, contours):
    table(series(FIRST))
    contours("9001104_V00.mat")
    options = {"labels": str(tmp_path / "labels"), "slice_order": "right_to_left"}
    (found,) = subjects(tmp_path, **options)
    assert np.flatnonzero(found.load().label.array.any(axis=(0, 1))).tolist() == [3]
    with pytest.raises(
        ValueError, match="slice_order must be one of left_to_right, ri"
    ):
        Oai(str(tmp_path), slice_order="up")


def test_a_knee_is_one_scan():
    with pytest.raises(ValueError, match="--echo=all is for --dataset=folder"):
        Oai("OAI", echo="all")


def test_contours_that_fit_both_knees_are_refused(tmp_path, series, table, contours):
    table(series(FIRST), series(FIRST[:-1] + "8", "SAG_3D_DESS_RIGHT"))
    labels = str(tmp_path / "labels")
    path = contours("9001104_V00.mat")
    with pytest.raises(
        ValueError, match=r"9001104_V00.mat: belongs to .* LEFT or RIGHT"
    ):
        subjects(tmp_path, labels=labels)
    path.rename(path.with_name("9001104_V00_RIGHT.mat"))
    (found,) = subjects(tmp_path, labels=labels)
    assert found.side == "right"
    contours("9001104_20041118_right.mat")
    with pytest.raises(ValueError, match="both belong to"):
        subjects(tmp_path, labels=labels)


def test_contours_of_unknown_names_are_refused(
    tmp_path, series, table, contours, caplog
):
    table(series(FIRST))
    labels = str(tmp_path / "labels")
    with pytest.raises(FileNotFoundError, match=r"no such folder of \.mat"):
        subjects(tmp_path, labels=labels)
    contours("9009999_V00.mat")
    with pytest.raises(ValueError, match=r"none of 1 .mat files belongs to one of 1"):
        subjects(tmp_path, labels=labels)
    contours("9001104_V00.mat")
    assert len(subjects(tmp_path, labels=labels)) == 1
    assert "1 files of contours without a scan, the first 9009999_V00" in caplog.text
    contours("knee.mat")
    with pytest.raises(ValueError, match=r"knee.mat: the name does not say whose knee"):
        subjects(tmp_path, labels=labels)


def test_wrong_contours_name_their_file(tmp_path, series, table, contours):
    table(series(FIRST))
    contours("9001104_V00.mat", num_slices=5)
    (found,) = subjects(tmp_path, labels=str(tmp_path / "labels"))
    with pytest.raises(
        ValueError,
        match=r"'9001104_V00_left' .*_V00.mat: contours of 5 slices; .* has 4",
    ):
        stored.load(found, {})


def test_visits_of_a_person_go_to_one_split(tmp_path, series, table, contours):
    rows = {"00m": [], "12m": []}
    for person in range(9001100, 9001106):
        for visit, month in enumerate(rows):
            folder = f"{visit}.C.2/{person}/2005010{visit + 1}/1029620{visit}"
            rows[month].append(series(folder, month=month))
            contours(f"{person}_V0{visit}.mat")
    for month, lines in rows.items():
        table(*lines, name=f"oai/{month}/contents.csv")
    dataset = Oai(str(tmp_path / "oai"), labels=str(tmp_path / "labels"))
    output = str(tmp_path / "records")
    made = conversion.convert(
        conversion.Recipe("oai", dataset, split="published"), output
    )
    # Of 6 persons 4.2, 1.2 and 0.6: the rest goes to the largest remainder.
    assert made.counts == {"train": 8, "validation": 2, "test": 2}
    assert manifest.load(output).recipe["split"] == pytest.approx(
        [70.4545, 19.318, 10.227], abs=1e-3
    )
    assert made.label_names[1] == "femoral cartilage"
    persons = [
        {s.person for s in reader.subjects(output, split)} for split in made.counts
    ]
    assert [len(found) for found in persons] == [4, 1, 1]
    assert len(set.union(*persons)) == 6


def test_an_echo_is_chosen(tmp_path, write_stack, table):
    folder = tmp_path / "oai/00m" / FIRST
    folder.parent.mkdir(parents=True)
    _, voxels = write_stack(
        folder.relative_to(tmp_path),
        num_slices=8,
        each=lambda n: {
            "position": (-4 * (n // 2), 0, 0),
            "EchoTime": [10.0, 20.0][n % 2],
            "EchoNumbers": 1 + n % 2,
        },
        **SAGITTAL,
    )
    table(row(FIRST))
    (found,) = subjects(tmp_path, echo=2)
    np.testing.assert_array_equal(found.load().image.array, voxels[:, :, 1::2])
    (found,) = subjects(tmp_path)
    with pytest.raises(ValueError, match="echo"):
        found.load()
