import pathlib

import pytest

from deepresolve.prediction.placement import (
    further_path,
    plan_dicom_files,
    plan_folders,
    plan_names,
    plan_nifti_files,
    table_beside,
)


def plan(source, output, names, volume_names=()):
    scans = [pathlib.Path(name) for name in names]
    return plan_nifti_files(source, output, scans, volume_names)


def test_one_scan_becomes_the_named_file_or_one_in_the_folder():
    file = plan("a.nii", "out.nii.gz", ["a.nii"])
    folder = plan("a.nii", "out", ["a.nii"])
    assert file == [(pathlib.Path("a.nii"), pathlib.Path("out.nii.gz"))]
    assert folder == [(pathlib.Path("a.nii"), pathlib.Path("out/a.nii.gz"))]


def test_scans_in_folders_are_named_after_them():
    pairs = plan("s", "out", ["s/p1/scan.nii.gz", "s/p2/scan.nii.gz", "s/c.zip"])
    names = [result.name for _, result in pairs]
    assert names == ["p1_scan.nii.gz", "p2_scan.nii.gz", "c.nii.gz"]


@pytest.mark.parametrize(
    ("output", "names", "message"),
    [
        ("out.nii.gz", ["s/a.nii", "s/b.nii"], "Give a folder"),
        ("OUT.NII.GZ", ["s/a.nii", "s/b.nii"], "Give a folder"),
        ("thin.mha", ["s/a.nii"], "written as NIfTI"),
        ("thin.nhdr", ["s/a.nii"], "written as NIfTI"),
        ("out", ["s/a.nii", "s/a.nii.gz"], "would both become"),
        ("s", ["s/a.nii.gz"], "overwrite the scan"),
        ("s/a.nii", ["s/a.nii"], "overwrite the scan"),
        ("s/out", ["s/a.nii"], "s/out lies within --input=s"),
        ("s/out.nii.gz", ["s/a.nii"], "lies within"),
        ("s/b/../c", ["s/a.nii"], "lies within"),
    ],
)
def test_results_that_would_collide_are_refused(output, names, message):
    with pytest.raises(ValueError, match=message):
        plan("s", output, names)


@pytest.mark.parametrize(
    ("output", "names", "message"),
    [
        ("out", ["s/a.nii", "s/a_femur.nii"], "would both become out/a_femur.nii.gz"),
        ("s", ["s/a.nii", "s/a_femur.nii.gz"], "overwrite the scan s/a_femur.nii.gz"),
        ("s/b.nii", ["s/b_femur.nii.gz"], "overwrite the scan s/b_femur.nii.gz"),
    ],
)
def test_further_files_that_would_collide_are_refused(output, names, message):
    assert plan("s", "elsewhere", [names[0]], volume_names=["femur"])
    with pytest.raises(ValueError, match=message):
        plan("s", output, names, volume_names=["femur"])


def test_reports_that_could_not_be_written_are_refused(tmp_path):
    (tmp_path / "a_trust.json").mkdir()
    with pytest.raises(ValueError, match=r"a_trust\.json is a folder"):
        plan("s", str(tmp_path), ["s/a.nii"])
    with pytest.raises(ValueError, match="210 bytes at most"):
        plan("s", str(tmp_path), [f"s/{'ä' * 100}.nii"])


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.NII.GZ"])
def test_further_files_and_the_table_are_named_after_the_file(name):
    folder = pathlib.Path("f")
    assert further_path(folder / name, "femur") == folder / "a_femur.nii.gz"
    assert table_beside(f"f/{name}", "volumes") == folder / "a_volumes.csv"


def test_several_scans_share_a_table_in_their_folder():
    assert table_beside("out/", "volumes") == pathlib.Path("out/volumes.csv")


def paths(*names):
    return [pathlib.Path(name) for name in names]


def test_a_series_is_the_folder_named_and_several_are_folders_in_it():
    assert plan_folders("a", "out", paths("a")) == [tuple(paths("a", "out"))]
    pairs = plan_folders("s", "out", paths("s/p1/knee", "s/b.zip"))
    assert [folder for _, folder in pairs] == paths("out/p1_knee", "out/b")


def test_a_segmentation_is_the_file_named_or_one_in_the_folder():
    assert plan_dicom_files("a", "x/seg.DCM", paths("a"))[0][1].name == "seg.DCM"
    pairs = plan_dicom_files("s", "out", paths("s/p1/knee", "s/b.zip"))
    assert [file for _, file in pairs] == paths("out/p1_knee.dcm", "out/b.dcm")
    assert table_beside("f/seg.dcm", "volumes") == pathlib.Path("f/seg_volumes.csv")


def test_what_no_file_holds_has_a_name_in_the_folder():
    pairs = plan_names("s", "out", paths("s/p1/knee", "s/b.nii.gz"))
    assert [name for _, name in pairs] == paths("out/p1_knee", "out/b")
    with pytest.raises(ValueError, match="tables, and no image"):
        plan_names("s", "out.nii.gz", paths("s"))


@pytest.mark.parametrize(
    ("plan_dicom", "output", "names", "message"),
    [
        (plan_folders, "out.nii.gz", ["s"], "a DICOM series is a folder of files"),
        (plan_folders, "out.dcm", ["s"], "a DICOM series is a folder of files"),
        (plan_folders, "s/out", ["s"], "s/out lies within --input=s"),
        (plan_folders, "out", ["s/a.zip", "s/a"], "would both become out/a"),
        (plan_dicom_files, "out.nii", ["s"], r"expected a .dcm file or a folder"),
        (plan_dicom_files, "out.dcm", ["s/a", "s/b"], "Give a folder"),
        (plan_dicom_files, "s/out.dcm", ["s"], "lies within"),
    ],
)
def test_dicom_results_that_would_collide_are_refused(
    plan_dicom, output, names, message
):
    with pytest.raises(ValueError, match=message):
        plan_dicom("s", output, paths(*names))
