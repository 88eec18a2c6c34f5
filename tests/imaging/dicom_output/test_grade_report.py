"""Reports of grades, read back by highdicom, dsrdump and a standard's checker."""

import dataclasses
import shutil
import subprocess

import pytest

from deepresolve.imaging.dicom_output.grade_report import (
    NOTES,
    ReportedGrade,
    report,
    write_report,
)
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.source import DicomSource, read_source

PROCESSING = Processing("graded scan", "mrnet", "89abcdef" * 8)
GRADES = (
    ReportedGrade("acl", 1, (0.75,), (0.125, 0.5, 0.875, 0.25)),
    ReportedGrade("kl", 2, (0.9375, 0.625, 0.0625), (0.5, 0.25, 0.125, 0.0)),
)


@pytest.fixture
def made(whole_stack, tmp_path):
    """Writes a report of a scan; it, read again by highdicom."""
    highdicom = pytest.importorskip(
        "highdicom", reason="needs highdicom: extra dicom-seg"
    )

    def make(grades=GRADES, **tags):
        folder, _ = whole_stack(**tags)
        path = tmp_path / "knee.dcm"
        write_report(path, grades, read_source(folder), PROCESSING)
        return highdicom.sr.srread(path)

    return make


def groups_of(document):
    found = document.content.get_image_measurement_groups()
    return {group.tracking_identifier: group for group in found}


def test_grades_and_probabilities_are_read_back(made):
    groups = groups_of(made())
    assert list(groups) == ["acl", "kl"]
    told = {}
    for name, group in groups.items():
        (grade,) = group.get_qualitative_evaluations()
        assert (grade.name.value, grade.name.scheme_designator) == (
            *("GRADE", "99DEEPRESOLVE"),
        )
        numbers = {
            m.name.value: (m.value, m.unit.value, m.unit.scheme_designator)
            for m in group.get_measurements()
        }
        assert {(unit, scheme) for _, unit, scheme in numbers.values()} == {
            ("1", "UCUM")
        }
        told[name] = (
            *(grade.value.value, grade.value.meaning),
            {code: value for code, (value, _, _) in numbers.items()},
        )
    assert told == {
        "acl": ("GRADE_1", "1 of 0 to 1", {"ABOVE_0": 0.75, "ABOVE_0_BY_SLICE": 0.875}),
        "kl": (
            *("GRADE_2", "2 of 0 to 3"),
            {
                **{"ABOVE_0": 0.9375, "ABOVE_1": 0.625, "ABOVE_2": 0.0625},
                "ABOVE_0_BY_SLICE": 0.5,
            },
        ),
    }


def test_the_slice_that_decided_is_referred_to(made):
    for name, number in (("acl", 2), ("kl", 0)):
        measured = groups_of(made())[name].get_measurements()
        referred = {m.name.value: m.referenced_images for m in measured}
        images = referred.pop("ABOVE_0_BY_SLICE")
        assert [i.referenced_sop_instance_uid for i in images] == [
            f"1.2.826.0.1.99.3.{number}"
        ]
        assert not any(referred.values())


def test_a_frame_of_a_file_is_referred_to_by_its_number(whole_stack):
    pytest.importorskip("highdicom", reason="needs extra dicom-seg")
    source = read_source(whole_stack()[0])
    for number, header in enumerate(source.headers, start=1):
        header.SOPInstanceUID = "1.2.3"
        header.ReferencedFrameNumber = number
    dataset = report(GRADES[:1], source, PROCESSING)
    found = []
    dataset.walk(lambda _, e: found.append(e.value) if "FrameN" in e.keyword else None)
    assert found == [3]


def test_what_is_graded_where_and_by_whom(made):
    document = made()
    for name, group in groups_of(document).items():
        assert group.finding_type.meaning == name
        assert group.finding_type.scheme_designator == "99DEEPRESOLVE"
        (site,) = group.finding_sites
        assert (site.value.meaning, site.laterality.meaning) == ("Knee", "Right")
    texts = []
    document.walk(lambda _, e: texts.append(e.value) if e.VR == "UT" else None)
    network = f"network SHA-256 {PROCESSING.model_sha256}"
    assert {"DeepResolve predict", network, *NOTES} <= set(texts)
    assert "not for diagnosis" in NOTES[0]
    assert document.VerificationFlag == "UNVERIFIED"
    assert document.SeriesNumber == 3004
    assert document.SeriesDescription == "Sag PD Secret grades"
    assert document.StudyInstanceUID == "1.2.826.0.1.99.1"
    (evidence,) = document.CurrentRequestedProcedureEvidenceSequence
    (series,) = evidence.ReferencedSeriesSequence
    assert len(series.ReferencedSOPSequence) == 4


def test_an_unknown_side_is_not_told(made):
    sites = [g.finding_sites[0] for g in groups_of(made(Laterality=None)).values()]
    assert {site.laterality for site in sites} == {None}


def test_dcmtk_reads_the_tree(made, tmp_path):
    if shutil.which("dsrdump") is None:
        pytest.skip("needs dsrdump, of the Debian package dcmtk")
    made()
    command = ["dsrdump", "--print-all-codes", str(tmp_path / "knee.dcm")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all("ISO_IR 192" in line for line in done.stderr.splitlines()), done.stderr
    for line in (
        "Comprehensive 3D SR Document",
        '<contains CODE:(GRADE,99DEEPRESOLVE,"Grade")=(GRADE_1,99DEEPRESOLVE,',
        '"0.75" (1,UCUM,"no units")',
        "<inferred from IMAGE:(121112,DCM,",
    ):
        assert line in done.stdout, done.stdout


def test_a_standards_checker_finds_no_error(made, errors_of, tmp_path):
    made()
    assert errors_of(tmp_path / "knee.dcm") == set()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"value": 2}, "acl: expected a grade from 0 to 1; got 2"),
        ({"probabilities": (1.5,)}, "acl: expected probabilities from 0 to 1; got 1.5"),
        ({"of_slices": (float("nan"),)}, "from 0 to 1; got nan"),
    ],
)
def test_what_cannot_be_is_no_grade(changes, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(GRADES[0], **changes)


def test_what_cannot_be_reported_is_refused(whole_stack, tmp_path):
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")
    source = read_source(whole_stack()[0])
    other = dataclasses.replace(GRADES[0], of_slices=(0.5,) * 5)
    path = tmp_path / "knee.dcm"
    for grades, message in (
        ((), "there are no grades"),
        ((other,), "as they were acquired, 4; graded were 5. Leave out --slice_axis"),
    ):
        with pytest.raises(ValueError, match=f"knee.dcm: .*{message}"):
            write_report(path, grades, source, PROCESSING)
    anonymous = DicomSource(source.headers, anonymous=True)
    with pytest.raises(ValueError, match="a series that is anonymous already"):
        write_report(path, GRADES, anonymous, PROCESSING)
    assert not path.exists()
