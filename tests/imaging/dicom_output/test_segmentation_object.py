import builtins

import numpy as np
import pydicom
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output import segmentation_object
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.source import read_source

CLASSES = ("medial tibial cartilage", "odd thing", "lateral meniscus")
PROCESSING = Processing("computed segmentation", "seg_cnn", "89abcdef" * 8)


@pytest.fixture
def write(tmp_path):
    """Writes a segmentation of a folder; the label map, and the dataset read again."""
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")

    def make(folder, labels=None):
        scan = formats.read_image(folder)
        if labels is None:
            labels = np.random.default_rng(1).integers(0, 4, scan.shape, np.uint8)
            labels[:, :, 1] = 0  # A slice with nothing in it.
        target = tmp_path / "labels.dcm"
        source = read_source(folder)
        label_map = scan.with_array(labels)
        segmentation_object.write_segmentation(
            target, label_map, CLASSES, source, PROCESSING
        )
        return scan.with_array(labels), pydicom.dcmread(target)

    return make


def test_each_frame_is_a_segment_at_its_slice(whole_stack, write):
    """Read by the standard's own words: frame by frame, with pydicom."""
    folder, _ = whole_stack(each=lambda n: {"position": (-10, -20, -4 * n)})
    label_map, dataset = write(folder)
    found = np.zeros(label_map.shape, np.uint8)
    frames = zip(
        dataset.PerFrameFunctionalGroupsSequence, dataset.pixel_array, strict=True
    )
    for groups, pixels in frames:
        number = groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        place = groups.PlanePositionSequence[0].ImagePositionPatient
        ras = np.array([*place, 1], float) * (-1, -1, 1, 1)
        i, j, k = np.rint(np.linalg.solve(label_map.affine, ras)[:3]).astype(int)
        assert (i, j) == (0, 0)
        found[:, :, k] += number * pixels.T.astype(np.uint8)
        images = groups.DerivationImageSequence[0].SourceImageSequence
        # Slice k of the volume is the last but k: positions descend.
        assert [r.ReferencedSOPInstanceUID for r in images] == [
            f"1.2.826.0.1.99.3.{3 - k}"
        ]
    np.testing.assert_array_equal(found, label_map.array)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    measures = shared.PixelMeasuresSequence[0]
    assert measures.PixelSpacing == [0.5, 0.75]
    orientation = shared.PlaneOrientationSequence[0].ImageOrientationPatient
    assert orientation == [1, 0, 0, 0, 1, 0]


def test_segments_are_named_and_coded(whole_stack, write):
    folder, _ = whole_stack()
    _, dataset = write(folder)
    cartilage, odd, meniscus = dataset.SegmentSequence
    assert [s.SegmentLabel for s in dataset.SegmentSequence] == list(CLASSES)
    assert [s.SegmentNumber for s in dataset.SegmentSequence] == [1, 2, 3]
    kind = cartilage.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.CodingSchemeDesignator) == ("309312004", "SCT")
    side = kind.SegmentedPropertyTypeModifierCodeSequence[0]
    assert side.CodeValue == "255561001"
    assert cartilage.AnatomicRegionSequence[0].CodeValue == "12611008"
    private = odd.SegmentedPropertyTypeCodeSequence[0]
    assert private.CodingSchemeDesignator == "99DEEPRESOLVE"
    assert private.CodeMeaning == "odd thing"
    assert meniscus.SegmentedPropertyTypeCodeSequence[0].CodeValue == "74135004"
    for segment in dataset.SegmentSequence:
        assert segment.SegmentAlgorithmType == "AUTOMATIC"
        assert segment.SegmentAlgorithmName == "DeepResolve seg_cnn"


def test_it_lies_in_the_scans_study(whole_stack, write):
    folder, _ = whole_stack()
    acquired = pydicom.dcmread(folder / "slice0.dcm")
    _, dataset = write(folder)
    for keyword in (
        *("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName"),
        *("AccessionNumber", "StudyDate"),
    ):
        assert dataset[keyword].value == acquired[keyword].value, keyword
    assert dataset.SeriesInstanceUID != acquired.SeriesInstanceUID
    assert dataset.SeriesDescription == "Sag PD Secret computed segmentation"
    series = dataset.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == acquired.SeriesInstanceUID
    assert dataset.DeviceSerialNumber == PROCESSING.model_sha256


def test_nothing_found_is_a_segmentation_too(whole_stack, write):
    folder, _ = whole_stack()
    _, dataset = write(folder, np.zeros((3, 5, 4), np.uint8))
    assert len(dataset.SegmentSequence) == 3
    assert not dataset.pixel_array.any()


def test_thickness_is_that_of_slices_without_gaps_where_unknown(whole_stack, write):
    folder, _ = whole_stack(SliceThickness=None, SpacingBetweenSlices=None)
    _, dataset = write(folder)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    measures = shared.PixelMeasuresSequence[0]
    assert measures.SliceThickness == 4
    assert measures.SpacingBetweenSlices == 4


def test_source_headers_stay_as_they_are(whole_stack, write):
    folder, _ = whole_stack(SliceThickness=None)
    source = read_source(folder)
    before = [header.to_json() for header in source.headers]
    scan = formats.read_image(folder)
    labels = scan.with_array(np.ones(scan.shape, np.uint8))
    segmentation_object.write_segmentation(
        folder.parent / "a.dcm", labels, CLASSES, source, PROCESSING
    )
    assert [header.to_json() for header in source.headers] == before


def test_names_of_classes_are_of_any_language(whole_stack, tmp_path):
    folder, _ = whole_stack()
    scan = formats.read_image(folder)
    labels = scan.with_array(np.ones(scan.shape, np.uint8))
    name = "Gelenkfläche χόνδρος"
    segmentation_object.write_segmentation(
        tmp_path / "a.dcm", labels, [name], read_source(folder), PROCESSING
    )
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    assert dataset.SegmentSequence[0].SegmentLabel == name


def test_a_standards_checker_finds_no_error(whole_stack, write, errors_of, tmp_path):
    folder, _ = whole_stack()
    write(folder)
    assert errors_of(tmp_path / "labels.dcm") == set()


def test_another_grid_is_refused(whole_stack, tmp_path):
    folder, _ = whole_stack()
    scan = formats.read_image(folder)
    part = scan.crop((slice(2), slice(5), slice(4)))
    with pytest.raises(ValueError, match=r"shape \(2, 5, 4\), its scan \(3, 5, 4\)"):
        segmentation_object.write_segmentation(
            tmp_path / "a.dcm", part, CLASSES, read_source(folder), PROCESSING
        )


def test_a_header_that_highdicom_refuses_is_told_with_the_file(
    whole_stack, write, monkeypatch
):
    folder, _ = whole_stack()
    monkeypatch.setattr(
        segmentation_object, "series_number", lambda header, offset: "Q"
    )
    with pytest.raises(ValueError, match=r"labels.dcm: the scan's header does not do"):
        write(folder)


def test_without_highdicom_the_extra_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments):
        if name == "highdicom":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"pip install '\.\[dicom-seg\]'"):
        segmentation_object.require_highdicom()
