"""DICOM segmentations in, as highdicom writes them, and ours."""

import numpy as np
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output import segmentation_object
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.source import read_source
from deepresolve.imaging.formats import segmentations

hd = pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")
NAMES = ("femoral cartilage", "femur")


@pytest.fixture
def scan(write_stack):
    """A folder of slices, and the scan as a volume."""
    folder, _ = write_stack(
        StudyInstanceUID="1.2.826.0.1.99.1",
        FrameOfReferenceUID="1.2.826.0.1.99.2",
        Laterality="R",
        **dict.fromkeys(("PatientID", "PatientName", "PatientBirthDate"), ""),
        **dict.fromkeys(("PatientSex", "AccessionNumber", "StudyID"), ""),
        **dict.fromkeys(("StudyDate", "StudyTime", "ReferringPhysicianName"), ""),
        Modality="MR",
        SliceThickness="4",
        each=lambda n: {
            "position": (-10, -20, -4 * n),
            "SOPInstanceUID": f"1.2.826.0.1.99.3.{n}",
        },
    )
    return folder, formats.read_image(folder)


@pytest.fixture
def labels(scan):
    array = np.zeros(scan[1].shape, np.uint8)
    array[:2, 1:3, 1:3], array[:2, 3:, :2] = 1, 2
    return array


@pytest.fixture
def foreign(scan, tmp_path):
    """Writes a segmentation as other programs do: by highdicom, of any type."""

    def write(pixels, kind, **settings):
        source = read_source(scan[0])
        algorithm = hd.AlgorithmIdentificationSequence(
            name="other", version="1", family=hd.sr.CodedConcept("123110", "DCM", "AI")
        )
        segments = [
            hd.seg.SegmentDescription(
                segment_number=number,
                segment_label=name,
                segmented_property_category=hd.sr.CodedConcept(
                    "85756007", "SCT", "Tissue"
                ),
                segmented_property_type=hd.sr.CodedConcept(
                    "309312004", "SCT", "Cartilage"
                ),
                algorithm_type="AUTOMATIC",
                algorithm_identification=algorithm,
            )
            for number, name in enumerate(NAMES, start=1)
        ]
        path = tmp_path / "other.dcm"
        hd.seg.Segmentation(
            source_images=list(source.headers),
            pixel_array=pixels,
            segmentation_type=kind,
            segment_descriptions=segments,
            series_instance_uid=hd.UID(),
            series_number=9,
            sop_instance_uid=hd.UID(),
            instance_number=1,
            manufacturer="Other",
            manufacturer_model_name="Other",
            software_versions="1",
            device_serial_number="1",
            **settings,
        ).save_as(path)
        return path

    return write


def at_world(volume):
    """Labels by where they lie in the world, to 0.01 mm: no matter in which order."""
    held = np.argwhere(volume.array)
    places = held @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    values = volume.array[tuple(held.T)]
    return {
        tuple(np.round(p, 2) + 0.0): int(v) for p, v in zip(places, values, strict=True)
    }


def by_slice(array):
    """(column, row, slice) -> (slice, row, column)."""
    return np.ascontiguousarray(array.transpose(2, 1, 0))


def test_ours_reads_back(scan, labels, tmp_path):
    folder, image = scan
    path = tmp_path / "labels.dcm"
    segmentation_object.write_segmentation(
        path,
        image.with_array(labels),
        NAMES,
        read_source(folder),
        Processing("computed segmentation", "seg_cnn", "89abcdef" * 8),
    )
    found = segmentations.read(path)
    assert found.label_names == {1: "femoral cartilage", 2: "femur"}
    assert found.label_map.array.dtype == np.uint8
    assert found.label_map.side == image.side == "right"
    assert at_world(found.label_map) == at_world(image.with_array(labels))
    # Slices of the scan have no label: the map ends with empty ones.
    assert not found.label_map.array[:, :, [0, 1, -2, -1]].any()
    assert segmentations.find(tmp_path) == [path]


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_types_of_other_programs_are_read(scan, labels, foreign, kind):
    pixels = by_slice(labels)
    if kind == "FRACTIONAL":
        shares = [(pixels == n) * 0.8 + (pixels == 3 - n) * 0.3 for n in (1, 2)]
        pixels = np.stack(shares, axis=-1)
    path = foreign(pixels, kind)
    assert segmentations.is_one(path)
    found = segmentations.read(path)
    assert found.label_names == {1: "femoral cartilage", 2: "femur"}
    assert at_world(found.label_map) == at_world(scan[1].with_array(labels))


def test_segments_that_overlap_are_refused(labels, foreign):
    pixels = by_slice(labels)
    both = np.stack([pixels == 1, (pixels == 2) | (pixels == 1)], axis=-1)
    path = foreign(both.astype(np.uint8), "BINARY")
    message = (
        r"other\.dcm: the segments 'femoral cartilage' and 'femur' overlap in "
        f"{(labels == 1).sum()} voxels"
    )
    with pytest.raises(ValueError, match=message):
        segmentations.read(path)


def test_what_is_no_segmentation_is_told(scan, labels, foreign, tmp_path):
    path = foreign(by_slice(labels), "BINARY")
    (tmp_path / "cut.dcm").write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ValueError, match=r"cut\.dcm: this DICOM segmentation cannot"):
        segmentations.read(tmp_path / "cut.dcm")
    (tmp_path / "cut.dcm").unlink()
    assert not segmentations.is_one(scan[0])
    assert segmentations.find(scan[0]) == []
    formats.write(tmp_path / "map.nii.gz", scan[1].with_array(labels))
    with pytest.raises(ValueError, match=r"\(other\.dcm\) and other scans \(map\.nii"):
        segmentations.find(tmp_path)
