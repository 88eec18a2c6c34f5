import types

import pytest

from deepresolve.inference import output_formats


def test_nifti_has_no_patient_to_remove():
    with pytest.raises(ValueError, match="--anonymize is for --output_format=dicom"):
        output_formats.choose(
            "nifti",
            types.SimpleNamespace(),
            workdir="",
            checkpoint="best",
            series=None,
            echo=None,
            anonymize=True,
        )
