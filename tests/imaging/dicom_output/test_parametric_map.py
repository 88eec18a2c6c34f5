import dataclasses

import numpy as np
import pydicom
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output import map_kinds, parametric_map
from deepresolve.imaging.dicom_output.anonymization import Anonymizer
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.source import read_source

PROCESSING = Processing("computed segmentation", "seg_cnn", "89abcdef" * 8)


@pytest.fixture
def write(tmp_path):
    """Writes a map of a folder; the map, and the dataset read again."""
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")

    def make(folder, kind=map_kinds.THICKNESS, array=None):
        scan = formats.read_image(folder)
        if array is None:
            array = np.random.default_rng(1).uniform(-1, 4, scan.shape)
            array[array < 0] = np.nan
        volume = scan.with_array(array.astype(np.float32))
        path = tmp_path / "map.dcm"
        parametric_map.write_parametric_map(
            path, volume, kind, [read_source(folder)], PROCESSING
        )
        return volume, pydicom.dcmread(path)

    return make


def test_each_number_is_read_back_at_its_place(whole_stack, write):
    """By pydicom, frame by frame, with the standard's own words."""
    folder, _ = whole_stack(each=lambda n: {"position": (-10, -20, -4 * n)})
    volume, dataset = write(folder)
    found = np.full(volume.shape, np.inf)
    frames = zip(
        dataset.PerFrameFunctionalGroupsSequence, dataset.pixel_array, strict=True
    )
    for groups, pixels in frames:
        place = groups.PlanePositionSequence[0].ImagePositionPatient
        ras = np.array([*place, 1], float) * (-1, -1, 1, 1)
        i, j, k = np.rint(np.linalg.solve(volume.affine, ras)[:3]).astype(int)
        assert (i, j) == (0, 0)
        found[:, :, k] = pixels.T
        images = groups.DerivationImageSequence[0].SourceImageSequence
        # Slice k of the volume is the last but k: positions descend.
        assert [r.ReferencedSOPInstanceUID for r in images] == [
            f"1.2.826.0.1.99.3.{3 - k}"
        ]
    found[found == dataset.FloatPixelPaddingValue] = np.nan
    np.testing.assert_array_equal(found, volume.array)


@pytest.mark.parametrize(
    ("kind", "unit", "code"),
    [
        (map_kinds.THICKNESS, "mm", ("THICKNESS", "99DEEPRESOLVE")),
        (map_kinds.T2, "ms", ("113065", "DCM")),
        (map_kinds.T2STAR, "ms", ("113064", "DCM")),
        (map_kinds.T1RHO, "ms", ("T1RHO", "99DEEPRESOLVE")),
    ],
)
def test_numbers_have_their_unit_and_meaning(whole_stack, write, kind, unit, code):
    folder, _ = whole_stack()
    volume, dataset = write(folder, kind)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    groups = [shared, dataset.PerFrameFunctionalGroupsSequence[0]]
    (mapping,) = next(
        g.RealWorldValueMappingSequence
        for g in groups
        if "RealWorldValueMappingSequence" in g
    )
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == unit
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1, 0)
    low, high = np.nanmin(volume.array), np.nanmax(volume.array)
    assert mapping.DoubleFloatRealWorldValueFirstValueMapped == low
    assert mapping.DoubleFloatRealWorldValueLastValueMapped == high
    assert dataset.FloatPixelPaddingValue < low
    assert mapping.LUTLabel == dataset.ContentLabel == kind.label
    window = shared.FrameVOILUTSequence[0]
    assert window.WindowCenter + window.WindowWidth / 2 == kind.highest
    quantity = mapping.QuantityDefinitionSequence[0].ConceptCodeSequence[0]
    assert (quantity.CodeValue, quantity.CodingSchemeDesignator) == code


def test_it_lies_in_the_scans_study(whole_stack, write):
    folder, _ = whole_stack()
    acquired = pydicom.dcmread(folder / "slice0.dcm")
    _, dataset = write(folder)
    for keyword in (
        *("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName"),
    ):
        assert dataset[keyword].value == acquired[keyword].value, keyword
    assert dataset.SeriesNumber == 4004
    series = dataset.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == acquired.SeriesInstanceUID


@pytest.mark.parametrize("span", [0, 0.25, 90])
def test_a_standards_checker_finds_no_error(
    whole_stack, write, errors_of, tmp_path, span
):
    """Whatever the numbers: all alike, shares, milliseconds."""
    folder, _ = whole_stack()
    array = 2.5 + span * np.random.default_rng(1).random((3, 5, 4))
    write(folder, map_kinds.T2STAR, array)
    assert errors_of(tmp_path / "map.dcm") == set()


def test_a_map_of_echoes_refers_to_all_and_to_no_network(
    whole_stack, errors_of, tmp_path
):
    """Each frame to its slice of each series, as the standard's checker wants it."""
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")
    folders = [
        whole_stack(
            f"echo{n}",
            each=lambda z, n=n: {
                "SOPInstanceUID": f"1.2.826.0.1.99.5.{n}.{z}",
                "SeriesInstanceUID": f"1.2.826.0.1.99.5.{n}",
                "position": (-10, -20, -4 * z),
            },
        )[0]
        for n in (2, 3)
    ]
    scan = formats.read_image(folders[0])
    volume = scan.with_array(np.full(scan.shape, 40, np.float32))
    processing = Processing("T2 map", "log_linear", derivation="TE 20, 30 ms.")
    path, sources = tmp_path / "map.dcm", [read_source(f) for f in folders]
    parametric_map.write_parametric_map(path, volume, map_kinds.T2, sources, processing)
    dataset = pydicom.dcmread(path)
    for groups in dataset.PerFrameFunctionalGroupsSequence:
        z = round(float(groups.PlanePositionSequence[0].ImagePositionPatient[2]) / -4)
        (derivation,) = groups.DerivationImageSequence
        images = derivation.SourceImageSequence
        assert [image.ReferencedSOPInstanceUID for image in images] == [
            f"1.2.826.0.1.99.5.{n}.{z}" for n in (2, 3)
        ]
        assert derivation.DerivationDescription.endswith("in ms. TE 20, 30 ms.")
    assert {s.SeriesInstanceUID for s in dataset.ReferencedSeriesSequence} == {
        f"1.2.826.0.1.99.5.{n}" for n in (2, 3)
    }
    assert "network" not in str(dataset)
    assert errors_of(path) == set()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((3, 5, 4), np.nan), "map.dcm: expected numbers"),
        (np.full((3, 5, 4), np.inf), "map.dcm: expected numbers"),
    ],
)
def test_what_is_no_map_of_the_scan_is_refused(whole_stack, write, array, message):
    folder, _ = whole_stack()
    with pytest.raises(ValueError, match=message):
        write(folder, array=array)


def test_another_grid_is_refused(whole_stack):
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")
    folder, _ = whole_stack()
    part = formats.read_image(folder).crop((slice(2), slice(5), slice(4)))
    with pytest.raises(ValueError, match=r"shape \(2, 5, 4\), its scan \(3, 5, 4\)"):
        parametric_map.parametric_map(
            part, map_kinds.THICKNESS, [read_source(folder)], PROCESSING
        )


def test_anonymous_scans_are_refused(whole_stack):
    pytest.importorskip("highdicom", reason="needs highdicom: extra dicom-seg")
    folder, _ = whole_stack()
    source = read_source(folder, anonymizer=Anonymizer())
    scan = formats.read_image(folder)
    volume = dataclasses.replace(scan, array=scan.array.astype(np.float32))
    with pytest.raises(ValueError, match="Take a series that is anonymous already"):
        parametric_map.parametric_map(volume, map_kinds.THICKNESS, [source], PROCESSING)
