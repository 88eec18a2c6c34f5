"""Names of knees."""

from deepresolve.prediction.measured_map import knee_name


def test_knees_are_named_as_their_files(tmp_path):
    assert knee_name(tmp_path, tmp_path / "a/knee.dcm") == "a/knee"
    assert knee_name(tmp_path, tmp_path / "a/knee.nii.gz") == "a/knee"
