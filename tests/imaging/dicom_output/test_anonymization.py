import datetime
import pickle

import pydicom
import pytest

from deepresolve.imaging.dicom_output.anonymization import Anonymizer
from deepresolve.imaging.dicom_output.series import write_series
from deepresolve.imaging.dicom_output.source import read_source

# What `whole_stack` tells of the patient: texts with "secret", and these.
TELLING = ("19500101", "20210203", "071Y", "101112", "1.2.826.0.1.99", ".11111111")


@pytest.fixture
def anonymized(tmp_path, thin, processing):
    def make(folder, anonymizer):
        target = tmp_path / f"{folder.name}_thin"
        source = read_source(folder, anonymizer=anonymizer)
        write_series(target, thin(folder), source, processing)
        return [pydicom.dcmread(name) for name in sorted(target.iterdir())]

    return make


def test_nothing_of_patient_day_or_place_is_left(whole_stack, anonymized, tmp_path):
    folder, _ = whole_stack()
    images = anonymized(folder, Anonymizer())
    today = datetime.datetime.now().strftime("%Y%m%d")
    for name in (tmp_path / "scan_thin").iterdir():
        content = name.read_bytes()
        assert b"SECRET" not in content.upper()
        for text in (*TELLING, today):
            assert text.encode() not in content, text
    for image in images:
        assert not image.PatientName
        assert not image.PatientID
        assert not image.StudyDate
        assert image.PatientIdentityRemoved == "YES"
        assert image.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
        assert image.LongitudinalTemporalInformationModified == "REMOVED"


def test_what_the_image_is_stays(whole_stack, anonymized):
    folder, voxels = whole_stack()
    image = anonymized(folder, Anonymizer())[0]
    assert image.EchoTime == 12.5
    assert image.BodyPartExamined == "KNEE"
    assert image.Laterality == "R"
    assert image.ImagePositionPatient == [-10, -20, 0]
    assert image.pixel_array.tolist() == voxels[:, :, 0].T.tolist()


def test_scans_of_one_study_stay_together_and_commands_do_not(whole_stack, anonymized):
    first, _ = whole_stack("a")
    second, _ = whole_stack("b", SeriesInstanceUID="1.2.826.0.1.99.7")
    one = Anonymizer()
    a, b = anonymized(first, one)[0], anonymized(second, one)[0]
    assert a.StudyInstanceUID == b.StudyInstanceUID
    assert a.FrameOfReferenceUID == b.FrameOfReferenceUID
    assert a.SeriesInstanceUID != b.SeriesInstanceUID
    other = read_source(first, anonymizer=Anonymizer()).headers[0]
    assert other.StudyInstanceUID != a.StudyInstanceUID


def test_workers_of_one_command_give_the_same_uids(whole_stack):
    folder, _ = whole_stack()
    one = Anonymizer()
    elsewhere = pickle.loads(pickle.dumps(one))  # noqa: S301 (our own)
    here, there = (read_source(folder, anonymizer=a).headers for a in (one, elsewhere))
    assert here[0].StudyInstanceUID == there[0].StudyInstanceUID
    uids = {header.SOPInstanceUID for header in here}
    assert len(uids) == len(here)
    assert all(uid.is_valid and uid.startswith("2.25.") for uid in uids)


def test_text_in_the_pixels_is_refused(whole_stack):
    folder, _ = whole_stack(BurnedInAnnotation="YES")
    with pytest.raises(ValueError, match="text is burned into the pixels"):
        read_source(folder, anonymizer=Anonymizer())


def test_the_result_is_to_the_standard(whole_stack, anonymized, errors_of, tmp_path):
    folder, _ = whole_stack()
    anonymized(folder, Anonymizer())
    assert errors_of(tmp_path / "scan_thin" / "0001.dcm") == set()
