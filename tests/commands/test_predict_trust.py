"""The reports of the command, on phantoms that match the training set and others."""

import dataclasses
import functools
import hashlib
import json
import pathlib
import shutil

import numpy as np
import pytest

from deepresolve import tasks
from deepresolve.imaging import formats
from deepresolve.imaging.degradation import (
    along_slices,
    filter_matrix,
    interpolate,
    thicken,
)
from deepresolve.imaging.intensity import to_dtype
from deepresolve.imaging.volume import affine_to_dicom
from deepresolve.runs import training_set
from deepresolve.runs.workdir import Workdir
from deepresolve.simulation.phantom import knee

SHAPE, SPACING_MM = (72, 72, 49), (1.5, 1.5, 1.5)


def seen_by(config):
    return functools.partial(tasks.find(config.task).seen, config)


@pytest.fixture(scope="module")
def thin():
    """A knee that no network here was trained on."""
    return knee(seed=12, side="left", shape=SHAPE, spacing_mm=SPACING_MM).image


@pytest.fixture(scope="module")
def recorded(silent_workdir, tmp_path_factory):
    """The silent run, trained on one other knee, so it says."""
    workdir = Workdir(tmp_path_factory.mktemp("recorded") / "run")
    shutil.copytree(silent_workdir.path, workdir.path)
    other = knee(seed=1, shape=SHAPE, spacing_mm=SPACING_MM).image
    training_set.record(workdir, seen_by(workdir.load_config()), [other], 1, "abc")
    return workdir


@pytest.fixture(scope="module")
def one_that_brightens(silent_workdir, tmp_path_factory):
    """The silent run, but that its network adds 0.1 of the range to every voxel."""
    workdir = Workdir(tmp_path_factory.mktemp("brightens") / "run")
    shutil.copytree(silent_workdir.path, workdir.path)
    model = workdir.load_model("best")
    residual = model.get_layer("residual")
    kernel, bias = residual.get_weights()
    residual.set_weights([kernel, bias + np.float32(0.1)])
    workdir.save_model(model, "best")
    return workdir


def whole(volume):
    return volume.with_array(to_dtype(volume.array, np.int16))


def with_gaps(thin):
    """Slices as thick as three thin ones, every fourth."""
    array = along_slices(filter_matrix(SHAPE[2], 3)[::4], thin.array, 2)
    return thin.resliced(array, step=4, slice_thickness_mm=3 * SPACING_MM[2])


def noisy(thick):
    noise = np.random.default_rng(5).normal(0, 400, (2, *thick.shape))
    return thick.with_array(np.hypot(thick.array + noise[0], noise[1]))


@pytest.fixture
def write_series(write_slice):
    def write(folder, volume):
        folder.mkdir()
        first, step, orientation, pixel_spacing = affine_to_dicom(volume.affine)
        for number in range(volume.num_slices):
            write_slice(
                folder / f"{number}.dcm",
                volume.array[:, :, number].T,
                position=first + number * step,
                ImageOrientationPatient=list(orientation),
                PixelSpacing=list(pixel_spacing),
                SliceThickness=volume.slice_thickness_mm,
                PatientName="Doe^Jane",
                StudyInstanceUID="1.2.826.0.1.99.1",
            )

    return write


def run_predict(run_script, workdir, source, output, *flags):
    paths = {"workdir": workdir.path, "input": source, "output": output}
    given = [f"--{name}={path}" for name, path in paths.items()]
    result = run_script("deepresolve", "predict", *given, *flags)
    assert result.returncode == 0, result.stderr
    return result


def read(path):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(path.read_text(), parse_constant=refuse)


def test_each_scan_is_flagged_for_what_it_is(
    run_script, recorded, thin, write_series, tmp_path
):
    source, output = tmp_path / "scans", tmp_path / "out"
    source.mkdir()
    axial = dataclasses.replace(thin, slice_axis=1)
    scans = {
        "matching": (thicken(thin, 3), []),
        "thick": (thicken(thin, 5), ["slice_thickness_mm"]),
        "gaps": (with_gaps(thin), ["gap_share", "slice_profile"]),
    }
    for name, (volume, _) in scans.items():
        write_series(source / name, whole(volume))
    files = {
        "matching_nifti": (thicken(thin, 3), []),
        "thick_nifti": (thicken(thin, 5), ["slice_spacing_mm"]),
        "noisy": (noisy(thicken(thin, 3)), ["signal_to_noise"]),
        "axial": (thicken(axial, 3), ["plane"]),
    }
    for name, (volume, _) in files.items():
        formats.write(source / f"{name}.nii.gz", whole(volume))
    result = run_predict(run_script, recorded, source, output)
    for name, (_, expected) in (scans | files).items():
        report = read(output / f"{name}_trust.json")
        assert [flag["what"] for flag in report["flags"]] == expected, name
        assert report["verdict"] == ("flagged" if expected else "nothing flagged")
        assert report["mismatch"]["downsample_factor"]["expected"] == 3
        notes = [n for n in result.stderr.splitlines() if f"{source / name}" in n]
        told = [n for n in notes if n.startswith((f"note: {source / name}.nii.gz:",))]
        told += [n for n in notes if n.startswith(f"note: {source / name}:")]
        assert len(told) == len(expected)
        # The silent network gives what interpolation does, rounded.
        found = report["consistency"]
        assert found["rms"] == pytest.approx(found["rms_of_interpolation"], rel=0.05)
    report = read(output / "matching_nifti_trust.json")
    provenance = report["provenance"]
    scan = (source / "matching_nifti.nii.gz").read_bytes()
    assert provenance["input_sha256"] == hashlib.sha256(scan).hexdigest()
    network = pathlib.Path(recorded.path, "best.keras").read_bytes()
    assert provenance["model"]["sha256"] == hashlib.sha256(network).hexdigest()
    assert provenance["command"].count(f"--input={source}") == 1
    assert report["spread"] == {
        "measured": False,
        "how": "--spread=report (--spread=volume also writes it for each voxel)",
    }


@pytest.mark.parametrize(
    ("flags", "given"), [((), "interpolation"), (("--force",), "network")]
)
def test_slices_twice_as_thick_as_apart_are_interpolated_unless_forced(
    run_script, one_that_brightens, thin, write_series, tmp_path, flags, given
):
    """A series of a 3D sequence: every second slice lies between two others."""
    thick = thicken(thin, 3)
    source, output = tmp_path / "series", tmp_path / "thin"
    overlapping = dataclasses.replace(
        thick, slice_thickness_mm=2 * thick.slice_spacing_mm
    )
    write_series(source, whole(overlapping))
    result = run_predict(
        run_script, one_that_brightens, source, output, "--output_format=dicom", *flags
    )
    report = read(tmp_path / "thin_trust.json")
    assert report["slice_profile"]["given"] == given
    assert report["slice_profile"]["thickness"] == 2
    assert "slice_profile" in [flag["what"] for flag in report["flags"]]
    assert "9 mm thick and 4.5 mm apart" in result.stderr
    told = "interpolated: not the slice profile" in result.stdout + result.stderr
    assert told == (given == "interpolation")
    scan, written = formats.read_image(source), formats.read_image(output)
    tci = np.maximum(interpolate(scan, 3).array, scan.array.min())
    difference = np.abs(written.array - tci).max()
    assert (difference <= 1) == (given == "interpolation")


def test_without_a_record_nothing_counts_as_matching(
    run_script, silent_workdir, thin, tmp_path
):
    source, output = tmp_path / "a.nii.gz", tmp_path / "thin.nii.gz"
    formats.write(source, whole(thicken(thin, 3)))
    flags = ("--spread=volume",)
    result = run_predict(run_script, silent_workdir, source, output, *flags)
    assert "the training set is not recorded" in result.stderr
    report = read(tmp_path / "thin_trust.json")
    assert report["verdict"] == "not compared"
    assert report["mismatch"]["compared"] is False
    assert "Run train.py again" in report["mismatch"]["why"]
    # Interpolation along slices says the same of mirrored slices.
    assert report["spread"]["largest"] < 1e-5
    deviation = formats.nifti.read(tmp_path / "thin_spread.nii.gz")
    assert deviation.shape == formats.read_image(output).shape


def test_nothing_of_an_anonymous_patient_is_told(
    run_script, recorded, thin, write_series, tmp_path
):
    source = tmp_path / "Doe_Jane"
    write_series(source, whole(thicken(thin, 3)))
    output = tmp_path / "out" / "thin"
    run_predict(
        *(run_script, recorded, source, output),
        *("--output_format=dicom", "--anonymize", "--preview=html"),
    )
    assert not list(output.glob("*.json"))
    page = (tmp_path / "out" / "thin_preview.html").read_text()
    assert "Doe_Jane" not in page
    assert "thin" not in page.split("<script", 1)[0]
    text = (tmp_path / "out" / "thin_trust.json").read_text()
    assert "Doe" not in text
    assert str(tmp_path) not in text
    provenance = json.loads(text)["provenance"]
    assert provenance["input_sha256"] is None
    assert provenance["command"] == [
        *("deepresolve", "predict", "--anonymize", "--output_format=dicom")
    ]
