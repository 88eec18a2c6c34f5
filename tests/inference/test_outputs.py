import pathlib

import pytest

from deepresolve.inference.outputs import plan_outputs


def plan(source, output, names):
    scans = [pathlib.Path(name) for name in names]
    return plan_outputs(source, output, scans)


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
        ("out", ["s/a.nii", "s/a.nii.gz"], "would both become"),
        ("s", ["s/a.nii.gz"], "overwrite the scan"),
        ("s/a.nii", ["s/a.nii"], "overwrite the scan"),
    ],
)
def test_results_that_would_collide_are_refused(output, names, message):
    with pytest.raises(ValueError, match=message):
        plan("s", output, names)
