"""Label maps in, a table of millimetres out."""

import csv
import dataclasses
import inspect
import pathlib
import re

import numpy as np
import pydicom
import pytest
from scipy import ndimage
from scipy.spatial.transform import Rotation

from deepresolve import api
from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output.decimals import decimal
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.segmentation_object import write_segmentation
from deepresolve.imaging.dicom_output.source import read_source
from deepresolve.imaging.labels import format_label_names, slug
from deepresolve.imaging.mirroring import left_right_axis
from deepresolve.imaging.volume import affine_to_dicom
from deepresolve.quantification import regions
from deepresolve.quantification.knee import measure
from deepresolve.simulation import phantom

NAMES = phantom.LABEL_NAMES
FLAG = f"--label_names={format_label_names(NAMES)}"


@pytest.fixture(scope="module")
def knee():
    return phantom.labelled(
        seed=7, shape=(100, 100, 60), spacing_mm=(1.2, 1.2, 1.4)
    ).label


@pytest.fixture(scope="module")
def expected(knee):
    """What the knee measures by itself."""
    return measure(knee, NAMES)


@pytest.fixture
def run(run_script):
    return lambda *flags: run_script("deepresolve", "measure", *flags)


def save(path, label):
    path.parent.mkdir(exist_ok=True, parents=True)
    formats.write(path, label)


def rows(path):
    with pathlib.Path(path).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_knee_becomes_lines_of_a_table(run, knee, expected, tmp_path):
    save(tmp_path / "knee.nii.gz", knee)
    table = tmp_path / "thickness.csv"
    given = (f"--input={tmp_path / 'knee.nii.gz'}", f"--output={table}")
    result = run(*given, FLAG)
    assert result.returncode == 0, result.stderr
    assert "knee.nii.gz: F " in result.stdout and " mm over " in result.stdout
    quantities = expected.quantities
    found = rows(table)
    assert [row["place"] for row in found] == list(quantities)
    assert {"F", "MT", "LT", "P", "cMT", "ecLF", "MFTC", "MM"} <= set(quantities)
    for row in found:
        assert row.pop("scan") == "knee"
        assert len(row.pop("fingerprint")) == 16
        assert row.pop("side") == "right"
        numbers = {name: float(cell) for name, cell in row.items() if name != "place"}
        assert numbers.pop("weight_bearing") == 0.6
        held = {name: n for name, n in numbers.items() if not np.isnan(n)}
        assert held == pytest.approx(
            {n: v for n, v in quantities[row["place"]].items() if not np.isnan(v)}
        )
    # The same again is no more, and no work.
    again = run(*given, FLAG)
    assert again.returncode == 0
    assert "had the lines of 1 of 1 label maps" in again.stdout
    assert "mm over" not in again.stdout
    assert len(rows(table)) == len(found)


def test_numbers_have_intervals_where_there_are_readings(run, knee, expected, tmp_path):
    save(tmp_path / "maps/knee.nii.gz", knee)
    thicker = knee.with_array(knee.array.copy())
    grown = ndimage.binary_dilation(knee.array == 1) & (knee.array == 0)
    thicker.array[grown] = 1
    save(tmp_path / "again/knee.nii.gz", thicker)
    given = (f"--input={tmp_path / 'maps'}", FLAG)
    table = tmp_path / "thickness.csv"
    result = run(*given, f"--output={table}", f"--readings={tmp_path / 'again'}")
    assert result.returncode == 0, result.stderr
    (row,) = [row for row in rows(table) if row["place"] == "F"]
    both = [of.table["F_ThCtAB_aMe"] for of in (expected, measure(thicker, NAMES))]
    ends = [float(row[f"ThCtAB_aMe_{end}"]) for end in ("low", "high")]
    # The other label map is thicker; the rim takes and gives a little.
    assert ends == pytest.approx(both, abs=0.1)
    assert ends[0] < both[0] and ends[1] > both[1]
    in_python = api.measure(knee, NAMES, readings=[thicker])
    assert ends == pytest.approx(in_python.intervals["F"]["ThCtAB_aMe"])
    result = run(*given, f"--output={table}", f"--readings={tmp_path / 'maps'}")
    assert result.returncode == 1 and "is the label map itself" in result.stderr
    (tmp_path / "again/knee.nii.gz").unlink()
    result = run(*given, f"--output={table}", f"--readings={tmp_path / 'again'}")
    assert result.returncode == 1 and "again has no knee.nii.gz" in result.stderr


def test_probabilities_beside_a_label_map_make_intervals(run, knee, tmp_path):
    save(tmp_path / "maps/knee.nii.gz", knee)
    for value, name in NAMES.items():
        share = ndimage.gaussian_filter((knee.array == value).astype(np.float32), 0.7)
        file = f"maps/knee_probability_{slug(name)}.nii.gz"
        save(tmp_path / file, knee.with_array(share))
    table = tmp_path / "thickness.csv"
    given = (f"--input={tmp_path / 'maps'}", f"--output={table}", FLAG)
    result = run(*given)
    assert result.returncode == 0, result.stderr
    for row in rows(table):
        if row["place"] in {"F", "MT", "LT", "P"}:
            assert row["scan"] == "knee"
            low, middle, high = (
                float(row[f"ThCtAB_aMe{end}"]) for end in ("_low", "", "_high")
            )
            assert low <= middle <= high and low < high
    # So does the spread that predict writes, which is no label map either.
    save(tmp_path / "maps/knee_spread.nii.gz", knee.with_array(share))
    assert "passed over" in run(*given).stdout
    # Who changes a probability changes the numbers.
    save(tmp_path / file, knee.with_array(share * 0))
    assert "passed over" not in run(*given).stdout
    assert "passed over" in run(*given).stdout


def test_the_side_tells_medial_where_no_label_does(run, knee, expected, tmp_path):
    merged = knee.with_array(np.where(knee.array == 3, 2, knee.array))
    save(tmp_path / "knee.nii.gz", merged)
    table = tmp_path / "thickness.csv"
    given = (f"--input={tmp_path / 'knee.nii.gz'}", f"--output={table}")
    names = "--label_names=1=femoral cartilage,2=tibial cartilage,5=femur,6=tibia"
    result = run(*given, names, "--side=right")
    assert result.returncode == 0, result.stderr
    found = {row["place"]: float(row["VC"]) for row in rows(table)}
    assert found["MT"] == pytest.approx(expected.table["MT_VC"])
    assert {row["side"] for row in rows(table)} == {"right"}
    (about,) = rows(tmp_path / "thickness_knees.csv")
    assert (about["scan"], about["side"], about["side_from"]) == (
        *("knee", "right", "given"),
    )
    assert about["plates"].split() == ["F", "LT", "MT"]
    assert about["notes"].count(" | ") == result.stderr.count("note: ") - 1
    assert "Not used, for they have no name: 4" in about["notes"]
    result = run(*given, names, "--side=left")
    assert {row["side"] for row in rows(table)} == {"left"}
    turned = {row["place"]: float(row["VC"]) for row in rows(table)}
    assert turned["LT"] == pytest.approx(found["MT"])


def test_a_bad_knee_is_told_and_passed_over(run, knee, tmp_path):
    for name, label in (
        ("a/good", knee),
        ("b/bones", knee.with_array(np.where(knee.array < 5, 0, knee.array))),
    ):
        save(tmp_path / "maps" / f"{name}.nii.gz", label)
    table = tmp_path / "thickness.csv"
    result = run(f"--input={tmp_path / 'maps'}", f"--output={table}", FLAG)
    assert result.returncode == 1
    assert "bones.nii.gz: No cartilage to measure" in result.stderr
    *_, heading, failure = result.stderr.splitlines()
    assert heading == "1 of 2 label maps failed:"
    assert failure.startswith(f"  {tmp_path / 'maps/b/bones.nii.gz'}: No cartilage ")
    assert result.stdout.startswith("[1 of 2, about ")
    assert {row["scan"] for row in rows(table)} == {"a/good"}


def test_names_are_those_of_the_run_that_made_the_label_map(run, knee, tmp_path):
    names = ("femoral cartilage", "medial tibial cartilage", "lateral tibial cartilage")
    names += ("patellar cartilage", "femur", "tibia", "patella")
    values = np.array([0, *range(1, 8), 0, 0, 0], np.uint8)
    label = knee.with_array(values[knee.array])
    save(tmp_path / "knee.nii.gz", label)
    table = tmp_path / "thickness.csv"
    given = (f"--input={tmp_path / 'knee.nii.gz'}", f"--output={table}")
    result = run(*given, "--workdir=pretrained:seg_knee", "--weight_bearing=0.75")
    assert result.returncode == 0, result.stderr
    expected = measure(label, dict(enumerate(names, start=1)), 0.75).quantities
    for row in rows(table):
        assert float(row["VC"]) == pytest.approx(expected[row["place"]]["VC"])
        assert row["weight_bearing"] == "0.75"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ((), "--workdir, the run that made them"),
        ((FLAG, "--workdir=pretrained:seg_knee"), "give one of both"),
        (("--workdir=pretrained:sr_knee",), "is no run of a segmentation"),
        (("--label_names=femur",), "femur"),
        ((FLAG, "--runner=beam", "--num_workers=2"), "How many workers Beam has"),
        ((FLAG, "--beam_options=--x"), "--beam_options: only with --runner=beam"),
        ((FLAG, "--num_workers=0"), "flag --num_workers=0"),
    ],
)
def test_flags_that_say_too_little_or_too_much_are_refused(
    run, knee, tmp_path, flags, message
):
    save(tmp_path / "knee.nii.gz", knee)
    table = tmp_path / "thickness.csv"
    result = run(f"--input={tmp_path / 'knee.nii.gz'}", f"--output={table}", *flags)
    assert result.returncode == 1 and message in result.stderr
    assert not table.exists()


def test_another_table_stays_as_it_is(run, knee, tmp_path):
    save(tmp_path / "knee.nii.gz", knee)
    table = tmp_path / "notes.csv"
    table.write_text("patient,remark\n1,fine\n", encoding="utf-8")
    given = (f"--input={tmp_path / 'knee.nii.gz'}", FLAG)
    result = run(*given, f"--output={table}")
    assert result.returncode == 1 and "is no table of cartilage " in result.stderr
    assert table.read_text(encoding="utf-8") == "patient,remark\n1,fine\n"
    result = run(*given, f"--output={tmp_path / 'table.xlsx'}")
    assert result.returncode == 1 and "a table's name ends in .csv" in result.stderr


def test_two_label_maps_of_one_name_are_refused(run, knee, tmp_path):
    for name in ("knee.nii", "knee.nii.gz"):
        save(tmp_path / "maps" / name, knee)
    table = tmp_path / "thickness.csv"
    given = (f"--input={tmp_path / 'maps'}", f"--output={table}", FLAG)
    result = run(*given)
    assert result.returncode == 1 and "Two label maps are named 'knee'" in result.stderr
    result = run(*given, "--weight_bearing=1")
    assert result.returncode == 1 and "above 0 and below 1" in result.stderr
    assert not table.exists()


def thinned(knee, planes):
    """The knee without some planes of its femoral cartilage."""
    array = knee.array.copy()
    array[:, :, planes][array[:, :, planes] == 1] = 0
    return knee.with_array(array)


@pytest.fixture(scope="module")
def visits(run_script, knee, tmp_path_factory):
    """Tables of two visits of a knee, and of repeats of two others."""
    root = tmp_path_factory.mktemp("visits")
    save(root / "first/knee.nii.gz", knee)
    save(root / "second/knee.nii.gz", thinned(knee, slice(20, 26)))
    for number, (one, other) in enumerate([((0, 1), (0, 2)), ((3, 4), (3, 5))]):
        for name, planes in (("a", one), ("b", other)):
            label = thinned(knee, slice(25 + planes[0], 25 + planes[1]))
            save(root / f"repeats/{number}/{name}.nii.gz", label)
    for name in ("first", "repeats"):
        given = (f"--input={root / name}", f"--output={root / name}.csv", FLAG)
        result = run_script("deepresolve", "measure", *given)
        assert result.returncode == 0, result.stderr
    return root


def test_change_is_told_beside_what_repeats_vary_by(run, visits):
    given = (f"--input={visits / 'second'}", f"--output={visits / 'second.csv'}")
    given += (FLAG, f"--baseline={visits / 'first.csv'}")
    given += (f"--repeats={visits / 'repeats.csv'}", f"--page={visits / 'pages'}")
    result = run(*given)
    assert result.returncode == 0, result.stderr
    assert "knee: change F -" in result.stdout and "%, beyond " in result.stdout
    found = {
        (row["place"], row["quantity"]): row
        for row in rows(visits / "second_change.csv")
    }
    row = found["F", "VC"]
    both = [
        next(float(r["VC"]) for r in rows(visits / name) if r["place"] == "F")
        for name in ("first.csv", "second.csv")
    ]
    assert [float(row["baseline"]), float(row["follow_up"])] == both
    assert float(row["change"]) == pytest.approx(both[1] - both[0])
    assert row["detected"] == "yes"
    # The page has what the table has.
    row = found["F", "ThCtAB_aMe"]
    page = (visits / "pages/knee.html").read_text(encoding="utf-8")
    (line,) = re.findall(
        r'<tr class="level0 beyond"><th scope="row">Femur <.+?</tr>', page, re.DOTALL
    )
    cells = re.findall(r"<td[^>]*>([^<]+)</td>", line)
    columns = ("baseline", "follow_up", "change", "percent", "smallest_detectable")
    assert cells[-1] == "beyond"
    for cell, column in zip(cells[:-1], columns, strict=True):
        assert float(cell) == pytest.approx(float(row[column]), abs=0.0501)
    assert re.search(r">Medial tibia <[^\n]+\n(?:[^\n]+\n)+?.+<td>within</td>", page)
    # The same again is no work; without a baseline, or another, it is another page.
    assert "had the lines of 1 of 1" in run(*given).stdout
    assert "had the lines" not in run(*given[:3], given[-1]).stdout
    assert "Change since" not in (visits / "pages/knee.html").read_text("utf-8")
    # The tibia is as it was, and repeats did not touch it.
    assert float(found["MT", "VC"]["change"]) == 0
    assert found["MT", "VC"]["detected"] == "no"


def test_a_knee_that_failed_has_no_change(run, visits, tmp_path):
    save(
        tmp_path / "maps/knee.nii.gz", formats.read_image(visits / "second/knee.nii.gz")
    )
    given = (f"--input={tmp_path / 'maps'}", f"--output={tmp_path / 't.csv'}", FLAG)
    given += (f"--baseline={visits / 'first.csv'}",)
    assert run(*given).returncode == 0
    assert rows(tmp_path / "t_change.csv")
    (tmp_path / "maps/knee.nii.gz").write_bytes(b"mangled")
    result = run(*given)
    assert result.returncode == 1 and "change F" not in result.stdout
    assert not rows(tmp_path / "t_change.csv")
    assert rows(tmp_path / "t.csv")  # older lines stay
    # Where nothing could be measured there is nothing to compare.
    result = run(*given, f"--output={tmp_path / 'other.csv'}")
    assert result.returncode == 1 and "There is no table" not in result.stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--repeats=repeats.csv",), "--repeats: only with --baseline"),
        (("--baseline=none.csv",), "There is no table"),
        (("--baseline=repeats.csv",), "knee: {root}/repeats.csv has no such knee"),
        (
            ("--baseline=first.csv", "--weight_bearing=0.7"),
            "weight_bearing was 0.6 and",
        ),
        (("--baseline=first.csv", "--repeats=first.csv"), "0 knees with repeats"),
        (
            ("--baseline=first.csv", "--repeats=repeats.csv", "--weight_bearing=0.7"),
            "was measured with --weight_bearing=0.6, and this is 0.7",
        ),
    ],
)
def test_visits_that_cannot_be_compared_are_told(run, visits, flags, message):
    given = [
        flag.replace("=", f"={visits}/") if ".csv" in flag else flag for flag in flags
    ]
    output = f"--output={visits / 'other.csv'}"
    result = run(f"--input={visits / 'second'}", output, FLAG, *given)
    assert result.returncode == 1
    assert message.format(root=visits) in result.stderr


def lain_otherwise(label, degrees, shift_mm):
    """A label map in the world after a turn about its middle and a shift."""
    middle = label.affine @ [*((np.array(label.shape) - 1) / 2), 1]
    turn = Rotation.from_rotvec(np.radians(degrees)).as_matrix()
    moved = np.eye(4)
    moved[:3, :3] = turn
    moved[:3, 3] = middle[:3] - turn @ middle[:3] + shift_mm
    return dataclasses.replace(label, affine=moved @ label.affine)


def test_both_visits_have_the_regions_of_the_earlier(run, knee, expected, tmp_path):
    """A medial plate that has lost its front changes nothing but itself."""
    array = knee.array.copy()
    plate = np.nonzero(array == 2)
    back = plate[knee.orientation.index("P")]
    array[plate] = np.where(back < np.percentile(back, 15), 0, 2)
    now = lain_otherwise(knee.with_array(array), (4, 3, -5), (7, -9, 6))
    save(tmp_path / "first/a.nii.gz", knee)
    save(tmp_path / "second/a.nii.gz", now)
    table = tmp_path / "second.csv"
    given = (f"--input={tmp_path / 'second'}", f"--output={table}", FLAG)
    result = run(*given, f"--baseline={tmp_path / 'first'}")
    assert result.returncode == 0, result.stderr
    found = {
        (row["place"], row["quantity"]): float(row["percent"] or "nan")
        for row in rows(tmp_path / "second_change.csv")
        if row["quantity"] in ("tAB", "ThCtAB_aMe")
    }
    before = {row["place"]: row for row in rows(tmp_path / "second_baseline.csv")}
    of_before = expected.quantities["cMF"]["tAB"]
    assert float(before["cMF"]["tAB"]) == pytest.approx(of_before)
    for (place, quantity), percent in found.items():
        if "MT" not in place and "MFTC" not in place:
            assert abs(percent) < 0.5, (place, quantity, percent)
    assert found["aMT", "tAB"] < -50
    assert abs(found["pMT", "tAB"]) < 0.5 and abs(found["cMT", "tAB"]) < 0.5
    (about,) = rows(tmp_path / "second_knees.csv")
    assert about["regions_from"] == "baseline"
    # The same again is no work; with another baseline it is.
    assert run(*given, f"--baseline={tmp_path / 'first'}").stdout.count("had the") == 2
    save(tmp_path / "first/a.nii.gz", thinned(knee, slice(20, 26)))
    again = run(*given, f"--baseline={tmp_path / 'first'}").stdout
    assert "had the" not in again
    # Of a table it is not known where regions lay.
    result = run(*given, f"--baseline={tmp_path / 'second_baseline.csv'}")
    assert "regions lay: those of each visit follow its own plates" in result.stderr
    (about,) = rows(tmp_path / "second_knees.csv")
    assert about["regions_from"] == "own plates"


def test_one_label_map_is_the_baseline_of_another(run, knee, tmp_path):
    for name in ("one", "two"):
        save(tmp_path / f"{name}.nii.gz", knee)
    given = (f"--input={tmp_path / 'two.nii.gz'}", f"--output={tmp_path / 't.csv'}")
    result = run(*given, FLAG, f"--baseline={tmp_path / 'one.nii.gz'}")
    assert result.returncode == 0, result.stderr
    assert "two: change F +0.00 mm" in result.stdout
    result = run(*given, FLAG, f"--baseline={tmp_path / 'two.nii.gz'}")
    assert result.returncode == 1 and "it would not have changed" in result.stderr


def test_an_earlier_visit_is_not_written_over(run, visits):
    table = visits / "first.csv"
    before = table.read_bytes()
    given = (f"--input={visits / 'second'}", f"--output={table}", FLAG)
    result = run(*given, f"--baseline={table}")
    assert result.returncode == 1 and "would be written over" in result.stderr
    assert table.read_bytes() == before


def test_the_other_knee_is_no_earlier_visit(run, visits, knee):
    mirrored = knee.with_array(np.flip(knee.array, left_right_axis(knee)))
    save(visits / "left/knee.nii.gz", mirrored)
    given = (f"--input={visits / 'left'}", f"--output={visits / 'left.csv'}", FLAG)
    result = run(*given, f"--baseline={visits / 'first.csv'}")
    assert result.returncode == 1
    assert "knee: side was right and is left: different knees." in result.stderr


def test_maps_of_a_knee_are_written_and_known_again(run, knee, tmp_path):
    save(tmp_path / "knee.nii.gz", knee)
    maps, table = tmp_path / "maps", tmp_path / "thickness.csv"
    given = (f"--input={tmp_path / 'knee.nii.gz'}", f"--output={table}", FLAG)
    # The table alone does not make maps.
    assert run(*given).returncode == 0
    result = run(*given, f"--maps={maps}", "--mesh_format=ply,stl")
    assert result.returncode == 0, result.stderr
    assert "mm over" in result.stdout
    expected = {
        f"knee_{plate}_{kind}.{ending}"
        for plate in ("F", "MT", "LT", "P")
        for kind in ("bone", "articular")
        for ending in ("ply", "stl")
    }
    expected |= {"knee_thickness.nii.gz", "knee_unrolled.png", "knee_unrolled.csv"}
    assert {path.name for path in maps.iterdir()} == expected
    (fingerprint,) = {row["fingerprint"] for row in rows(maps / "knee_unrolled.csv")}
    assert {row["fingerprint"] for row in rows(table)} == {fingerprint}
    again = run(*given, f"--maps={maps}", "--mesh_format=ply,stl")
    assert again.returncode == 0 and "mm over" not in again.stdout


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--mesh_format=ply",), "--mesh_format: only with --maps"),
        (("--maps={}/maps", "--mesh_format=obj"), "expected vtk, ply and stl"),
        (("--maps={}/labels/maps",), "would take maps for label maps"),
    ],
)
def test_maps_that_cannot_be_are_refused(run, knee, tmp_path, flags, message):
    save(tmp_path / "labels" / "knee.nii.gz", knee)
    given = (f"--input={tmp_path / 'labels'}", f"--output={tmp_path / 't.csv'}", FLAG)
    result = run(*given, *(flag.format(tmp_path) for flag in flags))
    assert result.returncode == 1 and message in result.stderr
    assert not (tmp_path / "t.csv").exists()


def test_processes_write_the_table_that_one_writes(run, knee, tmp_path):
    for name in ("a", "b"):
        save(tmp_path / "maps" / f"{name}.nii.gz", knee)
    given = (f"--input={tmp_path / 'maps'}", FLAG)
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    assert run(*given, f"--output={one}").returncode == 0
    result = run(*given, f"--output={two}", "--num_workers=2")
    assert result.returncode == 0, result.stderr
    assert "[2 of 2] " in result.stdout
    expected = sorted(one.read_text(encoding="utf-8").splitlines())
    assert sorted(two.read_text(encoding="utf-8").splitlines()) == expected


def test_the_share_of_a_condyle_is_told_alike_everywhere(run):
    # The command and the interface load no SciPy to tell their default.
    told = inspect.signature(api.measure).parameters["weight_bearing"].default
    assert told == regions.WEIGHT_BEARING
    of_flag = run("--help").stdout.partition("--weight_bearing: ")[2]
    shown = re.search(r"\(default: ([\d.]+)\)", of_flag)[1]
    assert float(shown) == told


def numbers_of(dataset):
    """Every number in a structured report."""
    for element in dataset.iterall():
        if element.keyword == "NumericValue":
            yield element.value


PLATE_NAMES = {
    "F": "femoral cartilage",
    "MT": "medial tibial cartilage",
    "LT": "lateral tibial cartilage",
    "P": "patellar cartilage",
    "MM": "medial meniscus",
    "LM": "lateral meniscus",
}


def referred_segments(path):
    """Of each whole plate in a report its segment's number, and the finding's code."""
    highdicom = pytest.importorskip("highdicom")
    content = highdicom.sr.srread(path).content
    return {
        group.tracking_identifier: (
            int(group.referenced_segment[0].referenced_segment_numbers[0]),
            group.finding_type.value,
        )
        for group in content.get_volumetric_roi_measurement_groups()
        if group.tracking_identifier in PLATE_NAMES
    }


def test_reports_are_of_dicom_segmentations_alone(run, knee, tmp_path):
    save(tmp_path / "knee.nii.gz", knee)
    given = (f"--input={tmp_path / 'knee.nii.gz'}", f"--output={tmp_path / 't.csv'}")
    result = run(*given, FLAG, f"--reports={tmp_path / 'reports'}")
    assert result.returncode == 1
    assert "these label maps are of another format" in result.stderr


def test_a_dicom_segmentation_tells_its_names_and_measures_as_nifti_does(
    run, tmp_path, write_stack
):
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")
    label = phantom.labelled(
        seed=7, shape=(64, 64, 40), spacing_mm=(1.8, 1.8, 2.0)
    ).label
    position, step, orientation, spacing = affine_to_dicom(label.affine)
    (tmp_path / "exam").mkdir()
    folder, _ = write_stack(
        "exam/scan",
        num_slices=40,
        each=lambda n: {
            "position": [decimal(x) for x in position + n * step],
            "pixels": label.array[:, :, n].T.astype(np.int16),
        },
        ImageOrientationPatient=[decimal(x) for x in orientation],
        PixelSpacing=[decimal(x) for x in spacing],
        **{"StudyInstanceUID": "1.2.826.0.1.99.1", "PatientID": "", "PatientName": ""},
    )
    file = tmp_path / "exam/knee.dcm"
    done = Processing("computed segmentation", "seg_cnn", "89abcdef" * 8)
    source = read_source(folder)
    write_segmentation(file, label, tuple(NAMES.values()), source, done)
    table = tmp_path / "exam.csv"
    reports = f"--reports={tmp_path / 'reports'}"
    result = run(f"--input={tmp_path / 'exam'}", f"--output={table}", reports)
    assert result.returncode == 0, result.stderr
    report = pydicom.dcmread(tmp_path / "reports/knee_measures.dcm")
    assert report.Modality == "SR"
    assert report.StudyInstanceUID == "1.2.826.0.1.99.1"
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0]
    told = {
        item.ReferencedSOPInstanceUID
        for series in evidence.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    slices = {pydicom.dcmread(path).SOPInstanceUID for path in folder.iterdir()}
    assert told == slices | {pydicom.dcmread(file).SOPInstanceUID}
    again = run(f"--input={file}", f"--output={table}", reports)
    assert "had the lines of 1 of 1 label maps" in again.stdout
    found = rows(table)
    volume = next(float(row["VC"]) for row in found if row["place"] == "P")
    assert any(abs(float(v) - volume) < 1e-3 * volume for v in numbers_of(report))
    assert {row["scan"] for row in found} == {"knee"}
    assert {row["side"] for row in found} == {"right"}
    expected = measure(label, NAMES).quantities
    assert {row["place"] for row in found} == set(expected)
    for row in found:
        numbers = {q: n for q, n in expected[row["place"]].items() if n == n}
        told = {quantity: float(row[quantity]) for quantity in numbers}
        assert told == pytest.approx(numbers, rel=1e-5, abs=1e-6), row["place"]
    # What the file says is overruled by a flag, and the report keeps to the file.
    result = run(f"--input={file}", f"--output={table}", "--label_names=1=odd")
    assert result.returncode == 1 and "No cartilage to measure" in result.stderr
    foreign = pydicom.dcmread(file)
    for number, segment in enumerate(foreign.SegmentSequence, start=1):
        segment.SegmentLabel = f"Segment_{number}"
        kind = segment.SegmentedPropertyTypeCodeSequence[0]
        kind.CodeValue, kind.CodingSchemeDesignator = f"X{number}", "99OTHER"
    foreign.save_as(file)
    result = run(f"--input={file}", f"--output={table}", reports, FLAG)
    assert result.returncode == 0, result.stderr
    assert referred_segments(tmp_path / "reports/knee_measures.dcm") == {
        plate: (value, f"X{value}")
        for plate, name in PLATE_NAMES.items()
        for value in [v for v, called in NAMES.items() if called == name]
    }
