"""Echoes in, maps and a table of milliseconds out."""

import csv
import json
import pathlib

import nibabel as nib
import numpy as np
import pydicom
import pytest

import deepresolve as dr
from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output.decimals import decimal
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.segmentation_object import write_segmentation
from deepresolve.imaging.dicom_output.source import read_source
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.labels import format_label_names
from deepresolve.imaging.volume import affine_to_dicom
from deepresolve.simulation import phantom

NAMES = f"--label_names={format_label_names(phantom.LABEL_NAMES)}"
TIMES = (10.0, 20.0, 30.0, 40.0)


@pytest.fixture(scope="module")
def knee():
    return phantom.labelled(
        seed=7, shape=(80, 80, 40), spacing_mm=(1.5, 1.5, 2.0)
    ).label


def t2_of(label):
    """38 ms in femoral cartilage, 33 in all other tissue."""
    return np.where(label.array == 1, 38.0, 33.0)


def save_train(folder, label, **told):
    """An echo a file, with the noise of one coil and the times beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(4)
    for n, time in enumerate(TIMES, start=1):
        clean = np.where(label.array > 0, 900 * np.exp(-time / t2_of(label)), 0)
        noise = random.normal(0, 3, (2, *label.shape))
        array = np.abs(clean + noise[0] + 1j * noise[1]).astype(np.float32)
        formats.write(folder / f"echo-{n}.nii.gz", label.with_array(array))
        text = json.dumps({"EchoTime": time / 1000, **told})
        (folder / f"echo-{n}.json").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def run(run_script):
    return lambda *flags: run_script("deepresolve", "relaxometry", *flags)


def rows(path):
    with pathlib.Path(path).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_echoes_become_maps_and_a_table(run, knee, tmp_path):
    echoes = save_train(tmp_path / "scan", knee.in_plane("coronal"))
    formats.write(tmp_path / "label.nii.gz", knee)
    target, table = tmp_path / "maps" / "T2.nii.gz", tmp_path / "T2.csv"
    target.parent.mkdir()
    given = (f"--input={echoes}", f"--output={target}", f"--table={table}", NAMES)
    result = run(*given, f"--label_map={tmp_path / 'label.nii.gz'}")
    assert result.returncode == 0, result.stderr
    assert "T2.nii.gz: T2 of " in result.stdout
    for told in ("TE 10, 20, 30, 40 ms, as the headers", "10 ms, is left out", "Noise"):
        assert told in result.stderr
    for doubt in ("beside the anatomy", "agree little", "frame of reference"):
        assert doubt not in result.stderr
    names = {path.name for path in target.parent.iterdir()}
    assert names == {"T2.nii.gz", "T2_error.nii.gz", "T2_r2.nii.gz"}
    image = nib.load(target)
    assert image.header["descrip"].item() == b"T2, ms (log_linear)"
    found = formats.read_image(target)
    np.testing.assert_allclose(found.affine, knee.in_plane("coronal").restore().affine)
    told = {(row["place"], row["layer"]): row for row in rows(table)}
    for place, expected in (("F", 38.0), ("MT", 33.0), ("cMT", 33.0), ("ccLF", 38.0)):
        for layer in ("all", "deep", "superficial"):
            row = told[place, layer]
            assert row["scan"] == "maps/T2"
            assert (row["kind"], row["method"]) == ("t2", "log_linear")
            assert float(row["mean"]) == pytest.approx(expected, rel=0.02)
            low, high = float(row["mean_low"]), float(row["mean_high"])
            assert expected - 2 < low < float(row["mean"]) < high < expected + 2
            assert int(row["num_voxels"]) > 0 <= int(row["num_left_out"])


def test_spin_locks_are_given_their_times(run, knee, tmp_path):
    echoes = save_train(tmp_path / "scan", knee)
    given = (f"--input={echoes}", "--kind=t1rho", "--method=nonlinear", "--noise=3")
    target = tmp_path / "T1rho.nii"
    result = run(*given, f"--output={target}")
    assert result.returncode == 1 and "does not tell" not in result.stderr
    assert "not every volume tells its TSL" in result.stderr and not target.exists()
    result = run(*given, f"--output={target}", "--times_ms=10,20,30,40")
    assert result.returncode == 0, result.stderr
    assert "TSL 10, 20, 30, 40 ms, as given" in result.stderr
    assert "left out" not in result.stderr
    found = formats.read_image(target).array[knee.array == 5]
    assert np.median(found) == pytest.approx(33, rel=0.01)


def test_files_are_listed_with_commas(run, knee, tmp_path):
    echoes = save_train(tmp_path / "scan", knee)
    listed = ",".join(str(echoes / f"echo-{n}.nii.gz") for n in (2, 3))
    result = run(f"--input={listed}", f"--output={tmp_path / 'T2.nii.gz'}", "--noise=0")
    assert result.returncode == 0, result.stderr
    assert {p.name for p in tmp_path.glob("*.nii.gz")} == {"T2.nii.gz"}
    assert "Two echoes tell a time" in result.stderr


def test_a_double_echo_tells_which_numbers_were_used(run, knee, tmp_path):
    echoes = tmp_path / "scan"
    save_train(echoes, knee, RepetitionTime=0.0163)
    for n in (3, 4):
        (echoes / f"echo-{n}.nii.gz").unlink()
    given = (f"--input={echoes}", "--kind=dess", f"--output={tmp_path / 'T2.nii'}")
    result = run(*given, "--te_ms=4.7")
    assert result.returncode == 1 and "Give --flip_degrees" in result.stderr
    result = run(*given, "--te_ms=4.7", "--flip_degrees=25")
    assert result.returncode == 0, result.stderr
    assert "tr_ms 16.3 (the header), te_ms 4.7 (as given)" in result.stderr
    assert nib.load(tmp_path / "T2.nii").header["descrip"].item().startswith(b"T2, ms")


def test_a_series_is_derived_of_dicom(run, real_scans, tmp_path):
    target = tmp_path / "T2"
    given = (f"--input={real_scans / 'knee_mese_dicom'}", f"--output={target}")
    result = run(*given, "--output_format=dicom", "--noise=20")
    assert result.returncode == 0, result.stderr
    found = formats.read_image(target)
    scan = formats.read_image(real_scans / "knee_mese_dicom", choice=Choice(echo=1))
    assert found.shape == scan.shape
    np.testing.assert_allclose(found.affine, scan.affine, atol=1e-3)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--output=T2.csv",), "a NIfTI map's name ends in .nii"),
        (("--output=T2.nii", "--output_format=dicom"), "a DICOM series is a folder"),
        (("--output=T2.nii", "--table=t.csv"), "--label_map and --table go together"),
        (("--output=T2.nii", "--tr_ms=20"), "--tr_ms: for --kind=dess alone"),
        (("--output=T2.nii", "--times_ms=1,b"), "expected numbers with commas"),
        (
            ("--output=T2.nii", "--kind=dess", "--times_ms=1,2", "--method=nonlinear"),
            "--times_ms, --method: for --kind=t2, t2star and t1rho alone",
        ),
        (("--output=T2.nii", "--label_map=echo.nii"), "go together"),
        (("--output=T2.dcm",), "a parametric map's name ends in .dcm"),
        (("--output=T2.nii", "--output_format=parametric_map"), "ends in .dcm"),
        (
            ("--output=T2.nii", "--label_names=nonsense", "--workdir=/nowhere"),
            "--workdir, --label_names: only with --label_map",
        ),
        (("--output=T2.nii", "--side=left"), "--side: only with --label_map"),
        (
            ("--output=T2.nii", "--weight_bearing=0.7"),
            "--weight_bearing: only with --label_map",
        ),
    ],
)
def test_flags_that_cannot_be_are_refused(run, knee, tmp_path, flags, message):
    formats.write(tmp_path / "echo.nii", knee)
    flags = (flag.replace("=T2", f"={tmp_path}/T2") for flag in flags)
    result = run(f"--input={tmp_path / 'echo.nii'}", *flags)
    assert result.returncode == 1 and message in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"echo.nii"}


def test_a_tibia_in_one_label_is_parted_on_the_side_that_is_given(run, knee, tmp_path):
    """As OAI-ZIB has it: no label says where medial is."""
    echoes = save_train(tmp_path / "scan", knee)
    joined = knee.with_array(np.where(knee.array == 3, 2, knee.array))
    formats.write(tmp_path / "label.nii.gz", joined)
    names = "1=femoral cartilage,2=tibial cartilage,5=femur,6=tibia"
    result = run(
        *(f"--input={echoes}", f"--output={tmp_path / 'T2.nii'}", "--noise=3"),
        *(f"--label_map={tmp_path / 'label.nii.gz'}", f"--label_names={names}"),
        *("--side=right", "--weight_bearing=0.75", f"--table={tmp_path / 'T2.csv'}"),
    )
    assert result.returncode == 0, result.stderr
    told = {
        row["place"]: int(row["num_voxels"]) + int(row["num_left_out"])
        for row in rows(tmp_path / "T2.csv")
        if row["layer"] == "all"
    }
    # The drawn knee's own labels, which the command was not given.
    for value, place in ((1, "F"), (2, "MT"), (3, "LT")):
        assert told[place] == np.count_nonzero(knee.array == value)
    # Three quarters of the way to the back, of which 0.6 leave more behind.
    measured = dr.measure(knee, phantom.LABEL_NAMES, weight_bearing=0.75)
    for place in ("cMF", "pMF"):
        assert told[place] == pytest.approx(
            measured.quantities[place]["VC"] / knee.voxel_mm3
        )


def test_a_dicom_segmentation_tells_its_names(run, knee, tmp_path, write_stack):
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")
    echoes = save_train(tmp_path / "echoes", knee)
    position, step, orientation, spacing = affine_to_dicom(knee.affine)
    folder, _ = write_stack(
        num_slices=knee.shape[2],
        each=lambda n: {
            "position": [decimal(x) for x in position + n * step],
            "pixels": knee.array[:, :, n].T.astype(np.int16),
        },
        ImageOrientationPatient=[decimal(x) for x in orientation],
        PixelSpacing=[decimal(x) for x in spacing],
        **{"StudyInstanceUID": "1.2.826.0.1.99.1", "PatientID": "", "PatientName": ""},
    )
    label_map, names = tmp_path / "label.dcm", tuple(phantom.LABEL_NAMES.values())
    done = Processing("computed segmentation", "seg_cnn", "89abcdef" * 8)
    write_segmentation(label_map, knee, names, read_source(folder), done)
    given = (f"--input={echoes}", f"--output={tmp_path / 'T2.nii'}", "--noise=3")
    result = run(*given, f"--label_map={label_map}", f"--table={tmp_path / 'T2.csv'}")
    assert result.returncode == 0, result.stderr
    told = {row["place"]: row for row in rows(tmp_path / "T2.csv")}
    assert float(told["F"]["mean"]) == pytest.approx(38, rel=0.02)
    assert float(told["MT"]["mean"]) == pytest.approx(33, rel=0.02)


@pytest.mark.parametrize(
    "names",
    [
        {"output": "label.nii.gz"},
        {"label_map": "T2_error.nii.gz"},
        {"input": "T2_r2.nii.gz,label.nii.gz"},
        {"input": "label.nii.gz"},
        {"output": "T2.csv", "output_format": "dicom"},
        {"table": "T2/t.csv", "output": "T2", "output_format": "dicom"},
    ],
)
def test_what_is_read_is_not_written(run, knee, tmp_path, names):
    given = {"input": "scan", "output": "T2.nii.gz", "label_map": "label.nii.gz"}
    given |= {"table": "T2.csv"} | names
    (tmp_path / "scan").mkdir()
    for name in ("label.nii.gz", "T2_error.nii.gz", "T2_r2.nii.gz"):
        formats.write(tmp_path / name, knee)
    before = {p.name: p.read_bytes() for p in tmp_path.glob("*.gz")}
    paths = {"input", "output", "label_map", "table"}
    result = run(
        NAMES,
        *(
            f"--{name}={value}"
            if name not in paths
            else f"--{name}=" + ",".join(str(tmp_path / v) for v in value.split(","))
            for name, value in given.items()
        ),
    )
    assert result.returncode == 1
    assert "one file" in result.stderr or "would overwrite" in result.stderr
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


def test_no_error_of_an_earlier_map_stays_beside_a_new_one(run, knee, tmp_path):
    echoes = save_train(tmp_path / "scan", knee)
    listed = ",".join(str(echoes / f"echo-{n}.nii.gz") for n in (2, 3))
    for given, expected in (
        (echoes, {"T2.nii.gz", "T2_error.nii.gz", "T2_r2.nii.gz"}),
        (listed, {"T2.nii.gz"}),
    ):
        result = run(
            f"--input={given}", f"--output={tmp_path / 'T2.nii.gz'}", "--noise=0"
        )
        assert result.returncode == 0, result.stderr
        assert {p.name for p in tmp_path.glob("*.nii.gz")} == expected


def test_a_parametric_map_holds_the_numbers_of_the_python_interface(
    run, real_scans, tmp_path
):
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")
    scan, target = real_scans / "knee_mese_dicom", tmp_path / "T2.dcm"
    given = (f"--input={scan}", f"--output={target}", "--noise=20")
    result = run(*given, "--output_format=parametric_map")
    assert result.returncode == 0, result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"T2.dcm"}
    dataset = pydicom.dcmread(target)
    expected = dr.relaxometry(dr.read_echoes(scan), noise=20).time_ms.restore()
    pixels = dataset.pixel_array.astype(np.float32)
    pixels[pixels == dataset.FloatPixelPaddingValue] = np.nan
    frames = zip(pixels, dataset.PerFrameFunctionalGroupsSequence, strict=True)
    for frame, groups in frames:
        place = groups.PlanePositionSequence[0].ImagePositionPatient
        ras = np.array([*place, 1], float) * (-1, -1, 1, 1)
        k = round(np.linalg.solve(expected.affine, ras)[2])
        # (row, column) -> (column, row).
        np.testing.assert_array_equal(frame.T, expected.array[:, :, k])


def test_another_table_stays_as_it_is(run, knee, tmp_path):
    echoes = save_train(tmp_path / "scan", knee)
    formats.write(tmp_path / "label.nii.gz", knee)
    table = tmp_path / "notes.csv"
    table.write_text("patient,remark\n1,fine\n", encoding="utf-8")
    given = (f"--input={echoes}", f"--output={tmp_path / 'T2.nii'}", NAMES)
    label_map = f"--label_map={tmp_path / 'label.nii.gz'}"
    result = run(*given, label_map, f"--table={table}")
    assert result.returncode == 1 and "no table of relaxation times" in result.stderr
    assert not (tmp_path / "T2.nii").exists()
    result = run(*given, label_map, f"--table={tmp_path / 'table.xlsx'}")
    assert result.returncode == 1 and "a table's name ends in .csv" in result.stderr
