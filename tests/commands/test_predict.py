import csv
import re

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from deepresolve import networks
from deepresolve.imaging import formats
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.segmentation.settings import SegmentationConfig


@pytest.fixture
def predict(run_script):
    def run(workdir, source, output, *flags):
        paths = {"workdir": workdir.path, "input": source, "output": output}
        given = [f"--{name}={path}" for name, path in paths.items()]
        return run_script("deepresolve", "predict", *given, *flags)

    return run


def write_scan(path, seed=0):
    array = np.random.default_rng(seed).integers(0, 900, (12, 13, 5)).astype(np.int16)
    nib.save(nib.Nifti1Image(array, np.diag([0.5, 0.5, 3.0, 1.0])), path)
    return path


def test_folder_of_scans_goes_on_past_a_bad_one(predict, silent_workdir, tmp_path):
    source, output = tmp_path / "scans", tmp_path / "thin"
    source.mkdir()
    write_scan(source / "a.nii.gz")
    (source / "b.nii").write_text("not a scan")
    write_scan(source / "c.nii", seed=1)
    result = predict(silent_workdir, source, output)
    assert result.returncode == 1
    assert "b.nii" in result.stderr
    assert "1 of 3 scans failed" in result.stderr
    assert sorted(p.name for p in output.iterdir()) == [
        *("a.nii.gz", "a_trust.json", "c.nii.gz", "c_trust.json")
    ]
    thin = nib.load(output / "c.nii.gz")
    assert thin.shape == (12, 13, 13)
    assert thin.get_data_dtype() == np.int16
    expected = interpolate(formats.read_image(source / "c.nii"), 3)
    np.testing.assert_allclose(thin.affine, expected.affine, atol=1e-5)
    held = np.maximum(expected.array, formats.read_image(source / "c.nii").array.min())
    difference = np.asarray(thin.dataobj) - held
    assert np.abs(difference).max() <= 0.51  # rounding to whole numbers


def test_float_output_is_not_rounded(predict, silent_workdir, tmp_path):
    source = write_scan(tmp_path / "a.nii")
    output = tmp_path / "thin.nii.gz"
    result = predict(silent_workdir, source, output, "--output_dtype=float32")
    assert result.returncode == 0, result.stderr
    scan = formats.read_image(source)
    expected = np.maximum(interpolate(scan, 3).array, scan.array.min())
    np.testing.assert_allclose(
        np.asarray(nib.load(output).dataobj), expected, atol=1e-2
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--downsample_factor=4"], "trained for downsample factors (3,)"),
        (["--slice_axis=5"], "not an integer in the range [0, 2]"),
        (["--echo=1"], "echo"),
        (["--flips", "--min_piece=0"], "--flips, --min_piece: only for a run of segm"),
        (["stray"], "Unexpected arguments"),
    ],
)
def test_bad_flags_leave_nothing_behind(
    predict, silent_workdir, tmp_path, flags, message
):
    source = write_scan(tmp_path / "a.nii")
    output = tmp_path / "new" / "thin.nii.gz"
    result = predict(silent_workdir, source, output, *flags)
    assert result.returncode != 0
    assert message in result.stderr + result.stdout
    assert "Traceback" not in result.stderr
    assert not output.parent.exists()


@pytest.mark.parametrize(
    ("name", "flags"),
    [
        ("knee_mese_dicom", ["--echo=2"]),
        ("brain_t1_dicom", []),
        ("knee_dess_half.nii.gz", []),
    ],
)
def test_real_scans_keep_their_place(
    predict, silent_workdir, real_scans, tmp_path, name, flags
):
    output = tmp_path / "thin.nii.gz"
    result = predict(silent_workdir, real_scans / name, output, *flags)
    assert result.returncode == 0, result.stderr
    # data/README: slices of the echoes are 3 mm thick, one every 4 mm.
    has_gaps = name == "knee_mese_dicom"
    assert ("3 mm thick and 4 mm apart" in result.stderr) == has_gaps
    thick = formats.read_image(
        real_scans / name, choice=Choice(echo=2 if flags else None)
    )
    thin = nib.load(output)
    assert thin.shape[2] == (thick.num_slices - 1) * 3 + 1
    for number in (0, thick.num_slices - 1):
        acquired = thick.affine @ [0, 0, number, 1]
        written = thin.affine @ [0, 0, 3 * number, 1]
        np.testing.assert_allclose(written, acquired, atol=1e-3)  # mm
    # The network is silent, so this is TCI, held at the scan's lowest voxel and rounded
    # to its whole numbers.
    expected = np.maximum(interpolate(thick, 3).array, thick.array.min())
    difference = np.asarray(thin.dataobj) - expected
    assert np.abs(difference).max() < 0.51


def one_pass(workdir, scan):
    """Probabilities by Keras's own call: (rows, columns, slices, 1 + classes)."""
    array = scan.canonical().array
    scaled = estimate_scale(array).apply(array)
    model = workdir.load_model("best")
    return np.asarray(model(scaled[np.newaxis, ..., np.newaxis]))[0]


def test_folder_of_scans_becomes_label_maps_and_one_table(
    predict, seg_workdir, tmp_path
):
    source, output = tmp_path / "scans", tmp_path / "labels"
    source.mkdir()
    write_scan(source / "a.nii.gz")
    (source / "b.nii").write_text("not a scan")
    write_scan(source / "c.nii", seed=1)
    result = predict(*(seg_workdir, source, output, "--probabilities", "--min_piece=0"))
    assert result.returncode == 1
    assert "b.nii" in result.stderr
    assert "1 of 3 scans failed" in result.stderr
    assert sorted(p.name for p in output.glob("[!.]*")) == [
        "a.nii.gz",
        "a_probability_femoral_cartilage.nii.gz",
        "a_probability_menisci.nii.gz",
        "a_trust.json",
        "c.nii.gz",
        "c_probability_femoral_cartilage.nii.gz",
        "c_probability_menisci.nii.gz",
        "c_trust.json",
        "volumes.csv",
    ]
    scan = formats.read_image(source / "c.nii")
    expected = one_pass(seg_workdir, scan)
    canonical = scan.canonical()
    label_map = nib.load(output / "c.nii.gz")
    assert label_map.get_data_dtype() == np.uint8
    np.testing.assert_allclose(label_map.affine, scan.affine, atol=1e-6)
    labels = np.asarray(label_map.dataobj)
    np.testing.assert_array_equal(
        labels, canonical.with_array(expected.argmax(axis=-1)).restore().array
    )
    probability = nib.load(output / "c_probability_menisci.nii.gz")
    np.testing.assert_allclose(
        np.asarray(probability.dataobj),
        canonical.with_array(expected[..., 2]).restore().array,
        atol=1e-5,
    )
    with (output / "volumes.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["scan"] == "c.nii.gz"]
    assert [row["class"] for row in rows] == ["femoral cartilage", "menisci"]
    for label, row in enumerate(rows, start=1):
        assert int(row["voxels"]) == np.count_nonzero(labels == label)
        volume_mm3 = 0.75 * int(row["voxels"])  # 0.5 x 0.5 x 3 mm
        assert float(row["volume_mm3"]) == pytest.approx(volume_mm3, abs=0.051)
        line = next(n for n in result.stdout.splitlines() if "c.nii.gz:" in n)
        shown = re.search(rf"{row['class']} (\d+) mm³", line)
        assert int(shown[1]) == pytest.approx(volume_mm3, abs=0.51)
    assert len(np.unique(labels)) > 1


def test_real_knee_is_segmented_in_place(predict, seg_workdir, real_scans, tmp_path):
    source, output = real_scans / "knee_mese_dicom", tmp_path / "labels.nii"
    flags = ["--echo=1", "--flips", "--min_piece=0.1"]
    result = predict(seg_workdir, source, output, *flags)
    assert result.returncode == 0, result.stderr
    scan = formats.read_image(source, choice=Choice(echo=1))
    label_map = formats.read_label_map(output, image=scan)  # checks the grid
    for label in range(1, label_map.array.max() + 1):
        mask = label_map.array == label
        assert ndimage.label(mask, np.ones((3, 3, 3)))[1] == 1
    assert label_map.array.any()
    assert (tmp_path / "labels_volumes.csv").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--output_dtype=float32"], "--output_dtype: only for a run of super_resol"),
        (["--window=8,8,8"], "(segnet_2d, unet_2d)"),
        (["--memory_gib=-1"], "memory_gib"),
    ],
)
def test_bad_flags_of_a_segmentation_leave_nothing_behind(
    predict, seg_workdir, tmp_path, flags, message
):
    source = write_scan(tmp_path / "a.nii")
    output = tmp_path / "new" / "labels.nii.gz"
    result = predict(seg_workdir, source, output, *flags)
    assert result.returncode != 0
    assert message in result.stderr + result.stdout
    assert "Traceback" not in result.stderr
    assert not output.parent.exists()


def test_a_window_is_three_numbers(predict, tmp_path):
    workdir = Workdir(tmp_path / "run")
    config = SegmentationConfig(
        model="segnet_2d",
        num_levels=2,
        num_features=2,
        classes=("femoral cartilage",),
        patch_shape=(16, 16, 8),
        loss="dice",
    )
    workdir.start(config)
    workdir.save_model(networks.build_model(config), "best")
    source, output = write_scan(tmp_path / "a.nii"), tmp_path / "labels.nii.gz"
    result = predict(workdir, source, output, "--window=a,64,64")
    assert result.returncode == 1
    assert "--window takes three whole numbers" in result.stderr
    assert "got 'a,64,64'" in result.stderr and not output.exists()


def test_a_label_map_has_a_preview_of_its_own_name(predict, seg_workdir, tmp_path):
    source, output = write_scan(tmp_path / "a.nii"), tmp_path / "labels.nii.gz"
    leftover = tmp_path / f".p.png.{'0' * 32}.tmp"
    leftover.write_bytes(b"half")
    flag = f"--preview={tmp_path / 'p.png'}"
    result = predict(seg_workdir, source, output, flag)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert not leftover.exists()
