import types

import nibabel as nib
import numpy as np
import pydicom
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output.anonymization import Anonymizer
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.source import read_source
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.volume import Volume
from deepresolve.prediction import dicom_result_files, result_files
from deepresolve.tasks.grades import Answer, Grade
from deepresolve.tasks.prediction import Grades, Image, Labels, Prediction


def choose(name, kind, anonymize):
    predictor = types.SimpleNamespace(kind=kind, title="computed")
    return result_files.choose(name, None, predictor, Choice(), anonymize)


def test_nifti_has_no_patient_to_remove():
    with pytest.raises(ValueError, match="--anonymize is for --output_format=dicom"):
        choose("nifti", Image(), anonymize=True)


def test_a_folder_with_something_in_it_takes_no_series(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "1.dcm").touch()
    output = dicom_result_files.DicomSeries(None, read=None)
    with pytest.raises(FileExistsError, match="out exists already"):
        output.begin(tmp_path / "scan", tmp_path / "out")


def test_a_series_tells_what_was_done_to_its_own_scan(tmp_path, write_stack):
    scans = [write_stack(name, StudyInstanceUID="1.2.3")[0] for name in ("a", "b")]
    processing = Processing("computed", "sr_cnn", "0123456789abcdef" * 4)
    anonymizer = Anonymizer()
    output = dicom_result_files.DicomSeries(
        processing, lambda scan: read_source(scan, anonymizer=anonymizer)
    )
    cases = (("self-test +1.1 dB", None), ("self-test -0.3 dB", "computed otherwise"))
    for scan, (told, title) in zip(scans, cases, strict=True):
        target = tmp_path / "out" / scan.name
        volume = formats.read_image(scan)
        prediction = Prediction(
            Image(), {"image": volume}, {}, "", derivation=told, title=title
        )
        output.begin(scan, target)(prediction)
        image = pydicom.dcmread(target / "0001.dcm")
        assert image.DerivationDescription.endswith(told)
        assert image.DerivationDescription.startswith(f"{title or 'computed'} by")
        assert image.SeriesDescription.endswith(title or "computed")
        assert image.PatientIdentityRemoved == "YES"


def test_measures_stand_beside_the_segmentation_that_they_were_made_in(
    tmp_path, write_stack
):
    highdicom = pytest.importorskip("highdicom", reason="needs extra dicom-seg")
    folder, _ = write_stack("scan", StudyInstanceUID="1.2.3")
    volume = formats.read_image(folder)
    label_map = volume.with_array((volume.array > volume.array.mean()).astype(np.uint8))
    knee = types.SimpleNamespace(
        quantities={"F": {"VC": 12.5, "ThCtAB_aMe": 2.0}},
        intervals={"F": {"ThCtAB_aMe": (1.75, 2.25)}},
        intervals_from="2 other label maps",
        side="",
        notes=("Slices are thick.",),
    )
    kind = Labels(("femoral cartilage",))
    output = dicom_result_files.DicomSegmentation(
        Processing("computed segmentation", "seg_cnn", "89abcdef" * 8), read_source
    )
    target = tmp_path / "out" / "knee.dcm"
    for measured in (knee, None, knee):
        found = Prediction(kind, {"label_map": label_map}, {}, "", knee=measured)
        output.begin(folder, target)(found)
        path = target.with_name("knee_measures.dcm")
        assert path.exists() == (measured is not None)
    report = highdicom.sr.srread(path)
    assert "reach as far as 2 other label maps do" in path.read_bytes().decode(
        "latin-1"
    )
    (group,) = report.content.get_volumetric_roi_measurement_groups()
    segment = group.referenced_segment
    segmentation = pydicom.dcmread(target)
    assert segment.referenced_sop_instance_uid == segmentation.SOPInstanceUID
    values = sorted(m.value for m in group.get_measurements())
    assert values == [2.0, 12.5]


def test_grades_become_a_report_that_names_the_slice(tmp_path, write_stack):
    highdicom = pytest.importorskip("highdicom", reason="needs extra dicom-seg")
    folder, _ = write_stack("scan", StudyInstanceUID="1.2.3")
    number = formats.read_image(folder).num_slices
    of_slices = np.linspace(0, 0.5, number).astype(np.float32)
    answers = (
        Answer("kl above 0", 0.75, of_slices, look=None),
        Answer("kl above 1", 0.25, of_slices[::-1], look=None),
    )
    found = Prediction(Grades(), {}, {}, "", grades=[Grade("kl", answers)])
    processing = Processing("graded scan", "mrnet", "89abcdef" * 8)
    output = dicom_result_files.DicomGrades(processing, read_source)
    ((_, target),) = output.plan(str(folder), str(tmp_path / "out"), [folder], ())
    assert target == tmp_path / "out" / "scan.dcm"
    output.begin(folder, target)(found)
    (group,) = highdicom.sr.srread(target).content.get_image_measurement_groups()
    above_0, above_1, of_slice = group.get_measurements()
    assert (above_0.value, above_1.value, of_slice.value) == (0.75, 0.25, 0.5)
    (image,) = of_slice.referenced_images
    headers = read_source(folder).headers
    assert image.referenced_sop_instance_uid == headers[-1].SOPInstanceUID
    pairs = [(folder, target)]
    assert output.plan(str(folder), str(target), [folder], ()) == pairs
    with pytest.raises(ValueError, match="written as NIfTI alone"):
        output.plan(str(folder), str(target), [folder], ("spread",))


def test_nobody_has_anonymous_copies_of_what_a_segmentation_refers_to():
    with pytest.raises(ValueError, match="--anonymize is for super-resolution"):
        choose("dicom", Labels(("femur",)), anonymize=True)
    with pytest.raises(ValueError, match="or a report refers to the images"):
        choose("dicom", Grades(), anonymize=True)


def test_tables_alone_are_no_dicom_and_no_nifti(tmp_path):
    with pytest.raises(ValueError, match="this network gives tables"):
        choose("dicom", None, anonymize=False)
    assert type(choose("nifti", None, anonymize=False)) is result_files.NoFiles
    output = choose("nifti", Grades(), anonymize=False)
    ((_, target),) = output.plan(
        str(tmp_path / "s"), str(tmp_path), [tmp_path / "s" / "a.nii"], ()
    )
    assert target == tmp_path / "a"
    output.begin(tmp_path / "a.nii", target)(Prediction(None, {}, {}, "grade 2"))
    assert not list(tmp_path.iterdir())


def test_every_volume_has_a_file(tmp_path):
    volume = Volume(np.zeros((4, 4, 4), np.float32), np.eye(4))
    volumes = dict.fromkeys(("image", "spread"), volume)
    output = choose("nifti", Image(), anonymize=False)
    save = output.begin(tmp_path / "scan", tmp_path / "new" / "a.nii.gz")
    save(Prediction(Image(), volumes, {}, ""))
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == ["a.nii.gz", "a_spread.nii.gz"]
    assert nib.load(tmp_path / "new" / names[1]).shape == (4, 4, 4)
