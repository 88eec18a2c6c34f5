"""Lines of a map, and what headers say against a label map of another session."""

import dataclasses
import json
import pathlib

import numpy as np
import pytest
from nibabel import nifti1

from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output.decimals import decimal
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.segmentation_object import write_segmentation
from deepresolve.imaging.dicom_output.source import read_source
from deepresolve.imaging.echoes import Echoes
from deepresolve.imaging.formats import echo_files
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.volume import Volume, affine_to_dicom
from deepresolve.prediction import relaxation_table
from deepresolve.prediction.measured_map import Settings
from deepresolve.quantification.relaxation import maps

SAME = {"PatientID": "A1", "StudyInstanceUID": "1.2.3", "FrameOfReferenceUID": "1.2.4"}


@pytest.fixture
def save(tmp_path):
    """A NIfTI scan with a JSON file beside it that tells whose it is."""

    def save(name, told):
        path = tmp_path / f"{name}.nii"
        image = nifti1.Nifti1Image(np.ones((3, 3, 3), np.uint8), np.eye(4))
        nifti1.save(image, path)
        path.with_suffix(".json").write_text(json.dumps(told), encoding="utf-8")
        return path

    return save


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (SAME, None),
        ({}, None),
        ({"PatientID": "A1"}, None),
        (SAME | {"StudyInstanceUID": "1.9"}, None),  # The frame is the same.
        (SAME | {"FrameOfReferenceUID": "1.9"}, "another frame of reference than"),
        (
            SAME | {"FrameOfReferenceUID": "1.9", "StudyInstanceUID": "1.8"},
            "another frame of reference and another study than",
        ),
    ],
)
def test_another_session_is_told(save, told, expected):
    echoes, label_map = save("echoes", SAME), save("label", told)
    notes = relaxation_table.session_notes(label_map, [formats.contents(echoes)])
    assert len(notes) == (expected is not None)
    assert all(expected in note for note in notes)
    assert relaxation_table.session_notes(label_map, ()) == ()


def test_a_label_map_of_another_patient_is_refused(save):
    echoes, label_map = save("echoes", SAME), save("label", SAME | {"PatientID": "B7"})
    with pytest.raises(ValueError, match="of two patients") as raised:
        relaxation_table.session_notes(label_map, [formats.contents(echoes)])
    # Who they are is told to nobody.
    assert "B7" not in str(raised.value) and str(label_map) in str(raised.value)


def test_headers_that_name_the_other_knee_are_told(write_stack):
    folder, _ = write_stack(Laterality="R")
    of_echoes = [formats.contents(folder)]
    (note,) = relaxation_table.side_notes("left", of_echoes)
    assert "a left knee, and by the headers of the echoes a right one" in note
    for side in ("right", ""):
        assert relaxation_table.side_notes(side, of_echoes) == ()
    assert relaxation_table.side_notes("left", ()) == ()


@pytest.fixture(scope="module")
def ball():
    """A bone of 20 mm under 4 mm of cartilage, and two echoes of it: 40 ms, in air."""
    shape, affine = (60, 60, 40), np.diag([1.0, 1.0, 1.5, 1.0])
    at = np.moveaxis(np.indices(shape), 0, -1) * (1, 1, 1.5) - 29.5
    radius = np.linalg.norm(at, axis=-1)
    label = np.where(radius < 20, 5, np.where(radius < 24, 1, 0)).astype(np.uint8)
    levels = np.choose(label, [0, 900, 0, 0, 0, 300])
    volumes = [
        Volume((levels * np.exp(-time / 40)).astype(np.float32), affine)
        for time in (10, 40)
    ]
    return Echoes(tuple(volumes), (10.0, 40.0)), Volume(label, affine)


def test_a_label_map_becomes_lines_and_tells_that_it_was_moved(ball, tmp_path):
    echoes, label = ball
    settings = Settings({1: "femoral cartilage", 5: "femur"})
    moved = label.affine.copy()
    moved[1, 3] += 12
    for affine, doubt in ((label.affine, ()), (moved, ("12 mm to the back",))):
        path = tmp_path / "label.nii.gz"
        formats.write(path, dataclasses.replace(label, affine=affine))
        places, notes = relaxation_table.layers_of(path, settings, echoes)
        beside = [note for note in notes if "beside the anatomy" in note]
        assert len(beside) == len(doubt)
        assert all(text in note for text, note in zip(doubt, beside, strict=True))
        if not doubt:
            found = maps.of_echoes(echoes, fit=maps.Fit(noise=1.0))
            rows = relaxation_table.rows("T2", found, places)
    kinds = relaxation_table.TABLE.columns
    assert len(rows[0]) == 1 + len(kinds)
    told = dict(zip(kinds, rows[0][1:], strict=True))
    assert [told[key] for key in ("place", "layer", "kind")] == ["F", "all", "t2"]
    assert told["mean"] == pytest.approx(40, rel=1e-4)
    assert told["num_voxels"] == np.count_nonzero(label.array == 1)


@pytest.fixture
def exam(ball, write_stack):
    """A folder with the ball's echoes in series 4, and in 5 of another frame."""
    echoes, _ = ball
    position, step, orientation, spacing = affine_to_dicom(echoes.grid.affine)
    for series, frame, side in ((4, "1.2.4", "L"), (5, "1.2.5", "R")):
        for number, volume in enumerate(echoes.volumes, start=1):
            folder, _ = write_stack(
                "exam",
                num_slices=volume.shape[2],
                each=lambda n, of=(series, number), array=volume.array: {
                    "name": f"{of}_{n}.dcm",
                    "position": [decimal(x) for x in position + n * step],
                    "pixels": array[:, :, n].T.astype(np.int16),
                },
                SeriesNumber=series,
                SeriesInstanceUID=f"1.9.{series}",
                Laterality=side,
                EchoNumbers=number,
                EchoTime=decimal(echoes.times_ms[number - 1]),
                ImageOrientationPatient=[decimal(x) for x in orientation],
                PixelSpacing=[decimal(x) for x in spacing],
                PatientName="",
                **SAME | {"FrameOfReferenceUID": frame},
            )
    return folder


SETTINGS = Settings({1: "femoral cartilage", 5: "femur"}, side="left")


def test_only_the_series_that_was_chosen_is_compared(ball, exam, tmp_path):
    path = tmp_path / "label.nii.gz"
    formats.write(path, ball[1])
    told = json.dumps(SAME)  # the frame of series 4
    (tmp_path / "label.json").write_text(told, encoding="utf-8")
    doubts = ("another frame of reference than", "by the headers of the echoes a right")
    for series, expected in ((5, True), (4, False)):
        echoes = echo_files.read_echoes(exam, series=[str(series)])
        _, notes = relaxation_table.layers_of(path, SETTINGS, echoes)
        for doubt in doubts:
            assert any(doubt in note for note in notes) == expected
        _, notes = relaxation_table.layers_of(path, SETTINGS, ball[0])  # without any
        assert not any(doubt in note for doubt in doubts for note in notes)


def test_a_dicom_segmentation_is_read_with_its_names_and_its_session(
    ball, exam, tmp_path
):
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")
    echoes, label = ball
    numbered = label.with_array(np.where(label.array == 5, 2, label.array))
    path, names = tmp_path / "label.dcm", ("femoral cartilage", "femur")
    done = Processing("computed segmentation", "seg_cnn", "89abcdef" * 8)
    source = read_source(exam, choice=Choice(series=5, echo=1))
    write_segmentation(path, numbered, names, source, done)
    of_dicom, _ = relaxation_table.layers_of(path, Settings({}), echoes)
    nifti = tmp_path / "label.nii.gz"
    formats.write(nifti, label)
    expected, _ = relaxation_table.layers_of(nifti, SETTINGS, echoes)
    np.testing.assert_array_equal(of_dicom.plates["F"], expected.plates["F"])
    for series, differs in ((4, True), (5, False)):
        chosen = echo_files.read_echoes(exam, series=[str(series)])
        _, notes = relaxation_table.layers_of(path, Settings({}), chosen)
        assert any("another frame" in note for note in notes) == differs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda label: label.with_array(label.array // 5 * 9), "No cartilage to meas"),
        (lambda label: label.with_array(label.array * 0), "so nothing is labelled"),
        (
            lambda label: dataclasses.replace(
                label, affine=label.affine @ np.diag([1, 1, -1, 1.0])
            ),
            "have no place in common|No voxel of the map",
        ),
    ],
)
def test_what_is_wrong_with_a_label_map_begins_with_its_path(
    ball, tmp_path, change, message
):
    path = tmp_path / "label.nii.gz"
    formats.write(path, change(ball[1]))
    with pytest.raises(ValueError, match=message) as raised:
        relaxation_table.layers_of(path, SETTINGS, ball[0])
    assert str(raised.value).startswith(f"{path}: ")
    assert str(raised.value).count(str(path)) == 1


def test_a_map_is_named_by_its_place_seen_from_the_table():
    for output, expected in (("maps/T2.nii.gz", "maps/T2"), ("../T2.dcm", "../T2")):
        path = pathlib.Path("study", output)
        table = pathlib.Path("study/T2.csv")
        assert relaxation_table.name_of(path, table) == expected
