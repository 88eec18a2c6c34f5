"""Maps as a derived series, read again by pydicom and SimpleITK."""

import numpy as np
import pydicom
import pytest
import SimpleITK

from deepresolve.imaging import formats
from deepresolve.imaging.dicom_output.map_kinds import T1RHO, T2
from deepresolve.imaging.dicom_output.maps import write_map_series
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.source import read_source

TOLD = "TE 20, 30 ms, as the headers tell."
PROCESSING = Processing("T2 map", "log_linear", derivation=TOLD)


@pytest.fixture
def echoes(whole_stack):
    """Two echoes of three slices, with their folders."""
    return [
        whole_stack(
            f"echo{n}",
            each=lambda z, n=n: {"SOPInstanceUID": f"1.2.826.0.1.99.5.{n}.{z}"},
            EchoTime=f"{10 * n}",
            EchoNumbers=n,
            SpacingBetweenSlices="4",
            SliceThickness="3",
        )[0]
        for n in (2, 3)
    ]


@pytest.fixture
def t2(echoes):
    scan = formats.read_image(echoes[0])
    array = np.random.default_rng(1).uniform(0, 90, scan.shape).astype(np.float32)
    array[0] = 0
    return scan.with_array(array)


@pytest.fixture
def images(echoes, t2, tmp_path):
    target = tmp_path / "map"
    sources = [read_source(folder) for folder in echoes]
    write_map_series(target, t2, T2, sources, PROCESSING)
    return [pydicom.dcmread(file) for file in sorted(target.iterdir())]


def test_values_are_milliseconds(images, t2, tmp_path):
    found = formats.read_image(tmp_path / "map")
    np.testing.assert_allclose(found.array, t2.array, atol=0.0051)
    np.testing.assert_allclose(found.affine, t2.affine, atol=1e-6)
    assert found.slice_thickness_mm == 3
    theirs = SimpleITK.GetArrayFromImage(
        SimpleITK.ReadImage([str(p) for p in sorted((tmp_path / "map").iterdir())])
    )
    np.testing.assert_allclose(theirs.transpose(2, 1, 0), t2.array, atol=0.0051)
    assert {image.RescaleType for image in images} == {"ms"}


def test_the_series_is_of_the_study_and_new(images, echoes):
    acquired = pydicom.dcmread(next(echoes[0].iterdir()))
    for image in images:
        for keyword in ("PatientName", "StudyInstanceUID", "FrameOfReferenceUID"):
            assert image[keyword].value == acquired[keyword].value
        assert image.ImageType == ["DERIVED", "SECONDARY", "T2 MAP"]
        assert image.SeriesDescription == "Sag PD Secret T2 map, ms"
        assert image.SeriesNumber == 5004
        assert image.EchoTime is None and "EchoNumbers" not in image
        assert (image.WindowCenter, image.WindowWidth) == (40, 80)
        assert image.DerivationDescription.endswith(
            f" (log_linear): in ms, 0 where there is none. {TOLD}"
        )
        equipment = image.ContributingEquipmentSequence[-1]
        assert equipment.ManufacturerModelName == "log_linear"
        assert "network" not in f"{equipment} {image.DerivationDescription}"
    assert {i.SeriesInstanceUID for i in images} != {acquired.SeriesInstanceUID}
    references = {r.ReferencedSOPInstanceUID for r in images[0].SourceImageSequence}
    assert references == {f"1.2.826.0.1.99.5.{n}.{z}" for n in (2, 3) for z in range(4)}


def test_a_checker_of_the_standard_finds_nothing(images, tmp_path, errors_of):
    assert not errors_of(tmp_path / "map" / "0001.dcm")


def test_what_cannot_be_stored_is_refused(echoes, t2, tmp_path):
    sources = [read_source(folder) for folder in echoes]
    for array, message in (
        (np.full(t2.shape, np.nan), "0 where it has none"),
        (t2.array - 1, "0 where it has none"),
        (t2.array + 600, "at most 655.35 ms"),
    ):
        with pytest.raises(ValueError, match=message):
            write_map_series(
                tmp_path / "other", t2.with_array(array), T2, sources, PROCESSING
            )
    fewer = t2.crop((slice(None), slice(None), slice(0, 2)))
    with pytest.raises(ValueError, match="expected a map with the 4 slices"):
        write_map_series(tmp_path / "other", fewer, T1RHO, sources, PROCESSING)
    assert not (tmp_path / "other").exists()
