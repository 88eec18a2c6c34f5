import pytest

from deepresolve.imaging.formats.choice import Choice


def test_what_was_chosen_reads_as_flags():
    assert str(Choice(series=4, volume="W")) == "--series=4 --volume=W"
    assert not str(Choice())


def test_a_file_of_one_volume_leaves_no_choice():
    Choice().refuse("scan.nii", "a NIfTI file")
    with pytest.raises(ValueError, match=r"scan.nii: a NIfTI file.*leave out --echo=2"):
        Choice(echo=2).refuse("scan.nii", "a NIfTI file")
