"""Reports, read back by highdicom, by dcmtk's dsrdump and by a standard's checker."""

import dataclasses
import shutil
import subprocess

import numpy as np
import pydicom
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output import segmentation_object
from deepresolve.imaging.dicom_output.anonymization import Anonymizer
from deepresolve.imaging.dicom_output.measurement_report import (
    Measures,
    report,
    write_report,
)
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.source import read_source

CLASSES = ("femoral cartilage", "medial tibial cartilage", "medial meniscus")
PROCESSING = Processing("computed segmentation", "seg_cnn", "89abcdef" * 8)
UNITS = {
    "VC": "mm3",
    "tAB": "cm2",
    "ThCtAB_aMe": "mm",
    "dABp": "%",
    "T2": "ms",
    "gloss": "1",
}
MEASURES = Measures(
    {
        "F": {"VC": 12345.678901234567, "tAB": 61.5, "ThCtAB_aMe": 1.875},
        "MT": {"VC": 1702.0, "dABp": 12.9, "ThCtAB_aMe": float("nan")},
        "ccMF": {"ThCtAB_aMe": 1.38},
        "MFTC": {"VC": 2829.0},
        "MM": {"VC": 2400.0, "T2": 11.5, "gloss": 0.5},
        "cLT": {"VC": float("nan")},
    },
    UNITS,
    intervals={
        "F": {"ThCtAB_aMe": (1.75, 2.125), "VC": (float("nan"), float("nan"))},
        "MT": {"ThCtAB_aMe": (1.0, 2.0)},  # of no number
    },
    notes=(
        "Voxels of 3 mm are as large as cartilage is thick.",
        "Größe: 95 % interval",
    ),
    segments={"F": 1, "MT": 2, "MM": 3},
)


@pytest.fixture
def made(whole_stack, tmp_path):
    """Writes a segmentation and a report of a scan; both, read again, and the scan."""
    highdicom = pytest.importorskip(
        "highdicom", reason="needs highdicom: extra dicom-seg"
    )

    def make(measures=MEASURES, **tags):
        folder, _ = whole_stack(**tags)
        scan, source = formats.read_image(folder), read_source(folder)
        labels = np.random.default_rng(1).integers(0, 4, scan.shape, np.uint8)
        segmentation_object.write_segmentation(
            tmp_path / "labels.dcm",
            scan.with_array(labels),
            CLASSES,
            source,
            PROCESSING,
        )
        segmentation = pydicom.dcmread(tmp_path / "labels.dcm")
        path = tmp_path / "knee_measures.dcm"
        write_report(path, measures, source, PROCESSING, segmentation)
        acquired = pydicom.dcmread(folder / "slice0.dcm")
        return highdicom.sr.srread(path), segmentation, acquired

    return make


def groups_of(document):
    """The groups by place, whether they refer to a segment or not."""
    content = document.content
    found = [
        *content.get_volumetric_roi_measurement_groups(),
        *content.get_image_measurement_groups(),
    ]
    return {group.tracking_identifier: group for group in found}


def numbers_of(group):
    """Number and unit by the name in the OAI's tables."""
    return {m.method.value: (m.value, m.unit.value) for m in group.get_measurements()}


def test_numbers_and_units_are_read_back(made):
    groups = groups_of(made()[0])
    assert sorted(groups) == ["F", "MFTC", "MM", "MT", "ccMF"]  # cLT has no number
    assert numbers_of(groups["F"]) == {
        "VC": (pytest.approx(12345.678901234567, rel=1e-12), "mm3"),
        "tAB": (61.5, "cm2"),
        "ThCtAB_aMe": (1.875, "mm"),
    }
    assert numbers_of(groups["MT"]) == {"VC": (1702, "mm3"), "dABp": (12.9, "%")}
    names = {m.method.value: m.name for m in groups["F"].get_measurements()}
    assert (names["VC"].value, names["VC"].scheme_designator) == ("118565006", "SCT")
    assert (names["tAB"].value, names["tAB"].meaning) == ("42798000", "Area")
    thickness = groups["F"].get_measurements()[2]
    assert thickness.derivation.meaning == "Mean"
    assert thickness.name.scheme_designator == "99DEEPRESOLVE"
    _, t2, odd = groups["MM"].get_measurements()
    assert (t2.name.value, t2.unit.value, t2.value) == ("113065", "ms", 11.5)
    # One that no table has.
    assert (odd.name.meaning, odd.unit.value, odd.value) == ("gloss", "1", 0.5)
    assert odd.name.scheme_designator == "99DEEPRESOLVE"


def test_a_limit_is_told_by_its_distance_and_unit(made):
    document, _, _ = made()
    thickness = groups_of(document)["F"].get_measurements()[2]
    limits = [
        item
        for item in thickness[0].ContentSequence
        if "uncertainty" in item.name.meaning
    ]
    told = {item.name.meaning[0]: (item.value, item.unit.value) for item in limits}
    # 1.875 - 1.75 and 2.125 - 1.875.
    assert told == {"-": (0.125, "mm"), "+": (0.25, "mm")}
    volume = groups_of(document)["F"].get_measurements()[0]
    names = [item.name.meaning for item in volume[0].ContentSequence]
    assert not [name for name in names if "uncertainty" in name]  # NaN is no limit


def test_each_place_is_coded_and_refers_to_its_segment(made):
    document, segmentation, acquired = made()
    groups = groups_of(document)
    codes = {}
    for name, group in groups.items():
        (site,) = group.finding_sites
        modifier = site.topographical_modifier
        codes[name] = (
            *(site.value.meaning, site.laterality.meaning),
            *((modifier.value, modifier.scheme_designator) if modifier else ()),
        )
    assert codes == {
        "F": ("Femur", "Right"),
        "MT": ("Tibia", "Right", "255561001", "SCT"),
        "ccMF": ("Femur", "Right", "ccMF", "99DEEPRESOLVE"),
        "MFTC": ("Knee", "Right", "MFTC", "99DEEPRESOLVE"),
        "MM": ("Knee", "Right", "255561001", "SCT"),
    }
    assert groups["F"].finding_type.value == "309312004"  # cartilage
    segments = {}
    for group in document.content.get_volumetric_roi_measurement_groups():
        reference = group.referenced_segment[0]
        assert reference.referenced_sop_instance_uid == segmentation.SOPInstanceUID
        numbers = reference.referenced_segment_numbers
        segments[group.tracking_identifier] = list(numbers)
        of_series = group.referenced_segment.source_series_for_segmentation
        assert of_series.value == acquired.SeriesInstanceUID
    assert segments == {"F": [1], "ccMF": [1], "MT": [2], "MM": [3]}
    identifiers = {group.tracking_uid for group in groups.values()}
    assert len(identifiers) == len(groups)


def test_it_lies_in_the_scans_study_and_tells_who_measured(made):
    document, segmentation, acquired = made()
    for keyword in (
        *("StudyInstanceUID", "PatientID", "PatientName", "AccessionNumber"),
        "StudyDate",
    ):
        assert document[keyword].value == acquired[keyword].value, keyword
    assert document.SeriesNumber == 3004
    assert document.SeriesDescription == "Sag PD Secret measures"
    (evidence,) = document.CurrentRequestedProcedureEvidenceSequence
    referred = {
        item.ReferencedSOPInstanceUID
        for series in evidence.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    slices = {f"1.2.826.0.1.99.3.{n}" for n in range(4)}
    assert referred == {*slices, segmentation.SOPInstanceUID}
    texts = []
    document.walk(lambda _, e: texts.append(e.value) if e.VR == "UT" else None)
    assert {"DeepResolve measure", *MEASURES.notes} <= set(texts)
    assert f"network SHA-256 {PROCESSING.model_sha256}" in texts


def test_an_instance_is_of_one_series_whenever_it_is_written(whole_stack):
    source = read_source(whole_stack()[0])
    one, again, other = (
        report(MEASURES, source, PROCESSING, instance_uid=uid)
        for uid in ("2.25.7", "2.25.7", "2.25.8")
    )
    assert one.SOPInstanceUID == again.SOPInstanceUID == "2.25.7"
    assert one.SeriesInstanceUID == again.SeriesInstanceUID != other.SeriesInstanceUID


def test_without_a_segmentation_or_a_side_there_is_no_reference(whole_stack):
    highdicom = pytest.importorskip("highdicom", reason="needs extra dicom-seg")
    folder, _ = whole_stack(Laterality=None)
    dataset = report(MEASURES, read_source(folder), PROCESSING)
    content = highdicom.sr.MeasurementReport.from_sequence(
        [dataset], is_root=True, copy=True
    )
    groups = content.get_image_measurement_groups()
    assert len(groups) == 5
    assert {group.finding_sites[0].laterality for group in groups} == {None}
    assert not content.get_volumetric_roi_measurement_groups()


def test_segments_of_another_program_are_referred_to_by_its_own_codes(
    made, whole_stack
):
    """Its numbers and codes count, whatever we would call what they hold."""
    highdicom = pytest.importorskip("highdicom", reason="needs extra dicom-seg")
    _, segmentation, _ = made()
    codes = {
        7: ("T-D000A", "Joint tissue", "T-12700", "Thigh bone"),
        2: ("309312004", "Cartilage", "12611008", "Tibia"),  # as we code it
        9: ("M-0007", "Gasket", None, None),
    }
    for segment, (number, told) in zip(
        segmentation.SegmentSequence, codes.items(), strict=True
    ):
        segment.SegmentNumber = number
        segment.SegmentLabel = f"Segment_{number}"
        kind = segment.SegmentedPropertyTypeCodeSequence[0]
        kind.CodeValue, kind.CodeMeaning = told[:2]
        kind.CodingSchemeDesignator = "99OTHER"
        if told[2] is None:
            segment.pop("AnatomicRegionSequence", None)
            continue
        (region,) = segment.AnatomicRegionSequence
        region.CodeValue, region.CodeMeaning = told[2:]
        region.CodingSchemeDesignator = "99OTHER"
    # The plate of the tibia is what we might have taken for that of the femur.
    measures = dataclasses.replace(MEASURES, segments={"F": 2, "MT": 7, "MM": 9})
    folder, _ = whole_stack()
    dataset = report(measures, read_source(folder), PROCESSING, segmentation)
    content = highdicom.sr.MeasurementReport.from_sequence(
        [dataset], is_root=True, copy=True
    )
    told = {}
    for group in content.get_volumetric_roi_measurement_groups():
        (number,) = group.referenced_segment[0].referenced_segment_numbers
        (site,) = group.finding_sites
        told[group.tracking_identifier] = (
            *(int(number), group.finding_type.value),
            *(group.finding_type.scheme_designator, site.value.value),
        )
    assert told == {
        "F": (2, "309312004", "99OTHER", "12611008"),
        "ccMF": (2, "309312004", "99OTHER", "12611008"),
        "MT": (7, "T-D000A", "99OTHER", "T-12700"),
        "MM": (9, "M-0007", "99OTHER", "72696002"),  # the knee, of SNOMED CT
    }


def test_what_is_no_one_segment_refers_to_none(made, whole_stack):
    _, segmentation, _ = made()
    folder, _ = whole_stack()
    measures = dataclasses.replace(MEASURES, segments={"MM": 3, "MT": 12})
    dataset = report(measures, read_source(folder), PROCESSING, segmentation)
    assert str(dataset).count("Referenced Segment Number") == 1  # the meniscus's


def test_dcmtk_reads_the_tree(made, tmp_path):
    if shutil.which("dsrdump") is None:
        pytest.skip("needs dsrdump, of the Debian package dcmtk")
    made()
    command = ["dsrdump", "--print-all-codes", str(tmp_path / "knee_measures.dcm")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # It checks no text of UTF-8, says so, and is to say no more.
    assert all("ISO_IR 192" in line for line in done.stderr.splitlines()), done.stderr
    for line in (
        "Comprehensive 3D SR Document",
        '"1702.0" (mm3,UCUM,"mm3")',
        '<contains TEXT:(121106,DCM,"Comment")=',
        "(ccMF,99DEEPRESOLVE,",
        "<has properties NUM:(371886008,SCT,",
    ):
        assert line in done.stdout, done.stdout


def test_a_header_that_says_the_other_side_is_told(made, caplog, tmp_path):
    text = "in a left knee, and the scan's header says right"
    made(dataclasses.replace(MEASURES, side="left"))
    assert text in caplog.text
    assert text in (tmp_path / "knee_measures.dcm").read_bytes().decode("latin-1")


def test_a_standards_checker_finds_no_error(made, errors_of, tmp_path):
    made()
    assert errors_of(tmp_path / "knee_measures.dcm") == set()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"side": "L"}, "expected left, right or nothing; got 'L'"),
        ({"units": {"VC": "mm3"}}, "no unit is given for ThCtAB_aMe, tAB"),
        ({"intervals": {"F": {"tAB": (1.0, 2.0)}}}, "tAB of F is 61.5, which its inte"),
        (
            {"quantities": {"F": {"VC": float("nan")}}, "intervals": {}},
            "nothing measured to report",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(whole_stack, tmp_path, changes, message):
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")
    folder, _ = whole_stack()
    measures = Measures(**{**vars(MEASURES), **changes})
    with pytest.raises(ValueError, match=f"knee.dcm: .*{message}"):
        write_report(tmp_path / "knee.dcm", measures, read_source(folder), PROCESSING)
    assert not (tmp_path / "knee.dcm").exists()


def test_anonymous_scans_and_other_studies_are_refused(made, whole_stack):
    _, segmentation, _ = made()
    folder, _ = whole_stack()
    source = read_source(folder, anonymizer=Anonymizer())
    with pytest.raises(ValueError, match="Measure a series that is anonymous already"):
        report(MEASURES, source, PROCESSING)
    segmentation.StudyInstanceUID = "1.2.3"
    with pytest.raises(ValueError, match="of another study than the scan"):
        report(MEASURES, read_source(folder), PROCESSING, segmentation)
