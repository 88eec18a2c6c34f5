import types

import pytest

from deepresolve.imaging.formats.choice import Choice
from deepresolve.prediction import output_formats


def test_nifti_has_no_patient_to_remove():
    with pytest.raises(ValueError, match="--anonymize is for --output_format=dicom"):
        output_formats.choose(
            "nifti",
            types.SimpleNamespace(),
            workdir="",
            checkpoint="best",
            choice=Choice(),
            anonymize=True,
        )


def test_a_folder_with_something_in_it_takes_no_series(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "1.dcm").touch()
    output = output_formats.DicomSeriesOutput(None, read=None)
    with pytest.raises(FileExistsError, match="out exists already"):
        output.begin(tmp_path / "scan", tmp_path / "out")


def test_nobody_has_anonymous_copies_of_what_a_segmentation_refers_to():
    with pytest.raises(ValueError, match="--anonymize is for super-resolution"):
        output_formats.choose(
            "dicom",
            types.SimpleNamespace(class_names=("femur",)),
            workdir="",
            checkpoint="best",
            choice=Choice(),
            anonymize=True,
        )
