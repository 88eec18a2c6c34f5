import dataclasses
import shutil
import subprocess

import nibabel as nib
import numpy as np
import pydicom
import pytest
import SimpleITK

from deepresolve.imaging import formats, slice_grid
from deepresolve.imaging.dicom_output.series import write_series
from deepresolve.imaging.dicom_output.source import read_source

WORLD_MM = 1e-3


@pytest.fixture
def derive(tmp_path, thin, processing):
    """Writes the derived series of a folder; gives its datasets and the volume."""

    def make(folder, dtype=None, **options):
        volume = thin(folder, dtype)
        target = tmp_path / "thin"
        write_series(target, volume, read_source(folder, **options), processing)
        names = sorted(target.iterdir())
        return [pydicom.dcmread(name) for name in names], volume

    return make


def test_patient_and_study_are_carried_on_and_the_series_is_new(whole_stack, derive):
    folder, _ = whole_stack()
    acquired = pydicom.dcmread(folder / "slice2.dcm")
    images, _ = derive(folder)
    assert len(images) == 10  # (4 - 1) x 3 + 1
    for image in images:
        for keyword in (
            *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
            *("StudyInstanceUID", "StudyDate", "StudyTime", "StudyDescription"),
            *("AccessionNumber", "ReferringPhysicianName", "FrameOfReferenceUID"),
            *("AcquisitionDate", "EchoTime", "MagneticFieldStrength", "Laterality"),
            *("ProtocolName", "SOPClassUID", "Modality", "PatientPosition"),
        ):
            assert image[keyword].value == acquired[keyword].value, keyword
        assert image.ImageType == ["DERIVED", "SECONDARY", "OTHER"]
        assert image.SeriesDescription == ("Sag PD Secret computed super-resolution x3")
        assert image.SeriesNumber == 1004
        # True of one acquired slice, or of what it was made of, alone.
        for keyword in ("TriggerTime", "SmallestImagePixelValue", "StackID"):
            assert keyword not in image
        assert "PerformedProcedureStepID" not in image
    assert str(images[0].PatientName) == "M\xfcllerSecret^Jos\xe9"
    series = {image.SeriesInstanceUID for image in images}
    assert len(series) == 1
    assert series != {acquired.SeriesInstanceUID}
    instances = {image.SOPInstanceUID for image in images}
    assert len(instances) == 10
    assert acquired.SOPInstanceUID not in instances
    assert [i.file_meta.MediaStorageSOPInstanceUID for i in images] == [
        image.SOPInstanceUID for image in images
    ]


def test_how_it_was_made_is_told(whole_stack, derive, processing):
    folder, _ = whole_stack()
    image = derive(folder)[0][3]
    assert "computed super-resolution x3" in image.DerivationDescription
    assert processing.model_sha256 in image.DerivationDescription
    assert "4 slices of 4 mm became 10" in image.DerivationDescription
    code = image.DerivationCodeSequence[0]
    assert (code.CodeValue, code.CodingSchemeDesignator) == ("113085", "DCM")
    tool = image.ContributingEquipmentSequence[-1]
    assert tool.Manufacturer == "DeepResolve"
    assert tool.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
    assert processing.model_sha256 in tool.ContributionDescription
    references = image.SourceImageSequence
    assert {r.ReferencedSOPInstanceUID for r in references} == {
        f"1.2.826.0.1.99.3.{n}" for n in range(4)
    }
    purposes = {r.PurposeOfReferenceCodeSequence[0].CodeValue for r in references}
    assert purposes == {"121322"}


def test_a_second_processing_adds_its_equipment(whole_stack, derive, tmp_path):
    folder, _ = whole_stack()
    derive(folder)
    once = (tmp_path / "thin").rename(tmp_path / "once")
    image = derive(once)[0][0]
    assert len(image.ContributingEquipmentSequence) == 2
    assert image.SeriesNumber == 2004


def test_private_elements_and_bulk_are_dropped_at_any_depth(whole_stack, derive):
    folder, _ = whole_stack()
    tags = []
    for image in derive(folder)[0]:
        image.walk(lambda dataset, element: tags.append(element.tag))
        assert image.AnatomicRegionSequence[0].CodeMeaning == "Knee"
    assert not [tag for tag in tags if tag.is_private]
    assert not [tag for tag in tags if tag.group == 0x6000]


def test_each_slice_has_its_place(whole_stack, derive):
    """4 mm apart became 4/3 mm; see write_stack for where the first one lies."""
    folder, _ = whole_stack()
    for number, image in enumerate(derive(folder)[0]):
        expected = (-10, -20, 4 / 3 * number)
        np.testing.assert_allclose(image.ImagePositionPatient, expected, atol=1e-9)
        assert image.InstanceNumber == number + 1
        assert image.SliceLocation == pytest.approx(4 / 3 * number)
        assert image.SliceThickness == pytest.approx(4 / 3)
        assert image.SpacingBetweenSlices == pytest.approx(4 / 3)
        assert image.PixelSpacing == [0.5, 0.75]
        assert image.ImageOrientationPatient == [1, 0, 0, 0, 1, 0]
        assert (image.Rows, image.Columns) == (5, 3)


def test_slices_are_numbered_in_the_direction_of_the_acquired_ones(whole_stack, derive):
    folder, _ = whole_stack(each=lambda n: {"InstanceNumber": 9 - n})
    images, volume = derive(folder)
    assert images[0].InstanceNumber == 1
    assert images[0].ImagePositionPatient[2] == pytest.approx(12)
    np.testing.assert_array_equal(images[0].pixel_array, volume.array[:, :, -1].T)


@pytest.mark.parametrize(
    ("acquired", "third"),
    [
        (["ORIGINAL", "PRIMARY", "M", "ND"], "M"),
        (["DERIVED", "SECONDARY"], "OTHER"),
        ("ORIGINAL", "OTHER"),
        (None, "OTHER"),
    ],
)
def test_image_type_has_the_three_values_of_mr(acquired, third, whole_stack, derive):
    folder, _ = whole_stack(ImageType=acquired)
    assert derive(folder)[0][0].ImageType == ["DERIVED", "SECONDARY", third]


def test_a_missing_frame_of_reference_is_one_of_its_own(whole_stack, derive):
    folder, _ = whole_stack(FrameOfReferenceUID=None)
    assert len({image.FrameOfReferenceUID for image in derive(folder)[0]}) == 1


@pytest.mark.parametrize(
    ("each", "lossy", "burned"),
    [
        (lambda n: {}, None, None),
        (lambda n: {"LossyImageCompression": "00"}, "00", None),
        (lambda n: {"LossyImageCompression": "01" if n == 2 else "00"}, "01", None),
        (lambda n: {"BurnedInAnnotation": "NO"}, None, "NO"),
        (lambda n: {"BurnedInAnnotation": "YES" if n == 1 else "NO"}, None, "YES"),
        (lambda n: {"BurnedInAnnotation": "NO"} if n else {}, None, None),
    ],
)
def test_what_is_said_against_one_slice_is_said_of_all(
    each, lossy, burned, whole_stack, derive
):
    folder, _ = whole_stack(each=each)
    for image in derive(folder)[0]:
        assert image.get("LossyImageCompression") == lossy
        assert image.get("BurnedInAnnotation") == burned


def test_one_window_is_kept_and_several_are_not(whole_stack, derive, tmp_path):
    folder, _ = whole_stack(WindowCenter="700", WindowWidth="1500")
    image = derive(folder)[0][0]
    assert (image.WindowCenter, image.WindowWidth) == (700, 1500)
    shutil.rmtree(tmp_path / "thin")
    folder, _ = whole_stack("b", each=lambda n: {"WindowCenter": n, "WindowWidth": 9})
    images, volume = derive(folder)
    low, high = np.percentile(volume.array, (0.1, 99.9))
    for image in images:
        assert image.WindowCenter == pytest.approx((low + high) / 2)
        assert image.WindowWidth == pytest.approx(high - low)


@pytest.mark.parametrize("tags", [{}, {"RescaleSlope": "0.5", "RescaleIntercept": "7"}])
@pytest.mark.parametrize("dtype", [None, np.float32])
def test_simpleitk_finds_the_same_voxels_in_the_same_places(
    tags, dtype, whole_stack, derive, tmp_path
):
    turned = [0, 0.8, -0.6, 0, -0.6, -0.8]  # Sagittal, oblique.
    folder, _ = whole_stack(
        ImageOrientationPatient=turned,
        each=lambda n: {"position": (-33 - 2.5 * n, 21, 55)},
        **tags,
    )
    images, volume = derive(folder, dtype)
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "thin")))
    image = reader.Execute()
    voxels = SimpleITK.GetArrayFromImage(image).transpose(2, 1, 0)
    if dtype is None and not tags:
        assert "RescaleSlope" not in images[0]
        np.testing.assert_array_equal(voxels, volume.array)
    else:  # 65,535 steps, half of one lost at most, and float32's own rounding
        step = np.ptp(volume.array) / 65535
        np.testing.assert_allclose(voxels, volume.array, atol=0.51 * step)
    for index in np.ndindex(2, 2, 2):
        corner = [int(n) for n in np.multiply(index, np.subtract(volume.shape, 1))]
        lps = image.TransformIndexToPhysicalPoint(corner)
        ras = nib.affines.apply_affine(volume.affine, corner)
        np.testing.assert_allclose(lps, ras * (-1, -1, 1), atol=WORLD_MM)


def test_our_own_reader_finds_what_was_written(whole_stack, derive, tmp_path):
    folder, _ = whole_stack()
    volume = derive(folder)[1]
    again = formats.read_image(tmp_path / "thin")
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.affine, volume.affine, atol=1e-9)
    assert again.slice_thickness_mm == pytest.approx(volume.slice_thickness_mm)


def test_a_standards_checker_finds_no_error(whole_stack, derive, errors_of, tmp_path):
    folder, _ = whole_stack()
    derive(folder)
    for name in sorted((tmp_path / "thin").iterdir())[::4]:
        assert errors_of(name) == set()


def test_dcm2niix_and_dcmtk_read_the_series(whole_stack, derive, tmp_path):
    for program, package in (("dcm2niix", "dcm2niix"), ("dcmftest", "dcmtk")):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}, of the Debian package {package}")
    rows, columns = np.indices((5, 3))
    folder, _ = whole_stack(
        each=lambda n: {"pixels": (900 * n + 30 * rows + columns).astype(np.int16)}
    )
    volume = derive(folder)[1]
    files = sorted(str(name) for name in (tmp_path / "thin").iterdir())
    subprocess.run(["dcmftest", *files], check=True, capture_output=True)
    for name in files[:2]:
        told = subprocess.run(["dcmdump", name], capture_output=True)
        assert (told.returncode, told.stderr) == (0, b"")
    command = ["dcm2niix", "-b", "n", "-z", "n", "-f", "out", "-o", str(tmp_path)]
    subprocess.run([*command, str(tmp_path / "thin")], check=True, capture_output=True)
    image = nib.load(tmp_path / "out.nii")
    transform = nib.orientations.ornt_transform(
        nib.io_orientation(image.affine), nib.io_orientation(volume.affine)
    )
    image = image.as_reoriented(transform)
    np.testing.assert_allclose(image.affine, volume.affine, atol=WORLD_MM)
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), volume.array)


OBLIQUE = [0, 0.8, -0.6, 0, -0.6, -0.8]  # sagittal


def slice_by_own_grid(folder, factor=2.5):
    """As many slices as fit between the outer faces, the first one at a face."""
    scan = formats.read_image(folder)
    rows, columns, num_slices = scan.shape
    values = np.random.default_rng(3).integers(
        -500, 2000, (rows, columns, int(num_slices * factor)), dtype=np.int16
    )
    first = (1 / factor - 1) / 2
    return scan, scan.resliced(
        values,
        step=1 / factor,
        first=first,
        slice_thickness_mm=scan.slice_spacing_mm / factor,
    )


@pytest.mark.parametrize("thickness_mm", ["2", "2.5", "3.5"])  # gaps, none, overlap
@pytest.mark.parametrize("orientation", [[1, 0, 0, 0, 1, 0], OBLIQUE])
def test_slices_of_any_distance_that_keep_the_outer_faces(
    thickness_mm, orientation, whole_stack, tmp_path, processing, errors_of
):
    normal = np.cross(orientation[:3], orientation[3:])
    start = np.array([-33, 21, 55.125])
    folder, _ = whole_stack(
        ImageOrientationPatient=orientation,
        SliceThickness=thickness_mm,
        SpacingBetweenSlices="2.5",
        each=lambda n: {"position": start + 2.5 * n * normal},
    )
    scan, volume = slice_by_own_grid(folder)
    write_series(tmp_path / "thin", volume, read_source(folder), processing)
    images = [pydicom.dcmread(name) for name in sorted((tmp_path / "thin").iterdir())]
    assert len(images) == 10  # 4 slices of 2.5 mm, in slices of 1 mm
    for number, image in enumerate(images):
        # The outer face lies 1.25 mm before the first centre; half a slice is 0.5 mm.
        place = start + (number - 0.75) * normal
        np.testing.assert_allclose(image.ImagePositionPatient, place, atol=1e-6)
        assert image.SliceLocation == pytest.approx(normal @ place)
        assert image.SpacingBetweenSlices == pytest.approx(1)
        assert image.SliceThickness == pytest.approx(1)
        assert image.ImageOrientationPatient == orientation
        assert image.InstanceNumber == number + 1
    assert f"4 slices of {thickness_mm} mm became 10" in images[0].DerivationDescription
    again = formats.read_image(tmp_path / "thin")
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.affine, volume.affine, atol=1e-6)
    assert again.slice_thickness_mm == pytest.approx(1)
    np.testing.assert_allclose(
        slice_grid.positions(scan, again), -0.3 + 0.4 * np.arange(10), atol=1e-6
    )
    for name in sorted((tmp_path / "thin").iterdir())[::4]:
        assert errors_of(name) == set()


def test_what_was_done_beside_the_network_is_told(whole_stack, tmp_path, processing):
    folder, _ = whole_stack()
    _, volume = slice_by_own_grid(folder)
    text = "rect profile of 3 mm; self-test +1.1 dB"
    done = dataclasses.replace(processing, derivation=text)
    write_series(tmp_path / "thin", volume, read_source(folder), done)
    image = pydicom.dcmread(tmp_path / "thin" / "0001.dcm")
    assert image.DerivationDescription.endswith(f"can be wrong. {text}")


def test_the_whole_series_or_none(whole_stack, derive, tmp_path, full_disk):
    folder, _ = whole_stack()
    before = sorted(tmp_path.iterdir())
    with full_disk(1500), pytest.raises(OSError, match="large"):
        derive(folder)
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_there_already_stays(whole_stack, derive, tmp_path):
    folder, _ = whole_stack()
    (tmp_path / "thin").mkdir()
    derive(folder)  # An empty folder is as good as none.
    with pytest.raises(FileExistsError, match="thin exists already"):
        derive(folder)


def test_slices_along_another_axis_are_refused(whole_stack, tmp_path, processing):
    folder, _ = whole_stack()
    volume = formats.read_image(folder, slice_axis=0)
    with pytest.raises(ValueError, match=r"lie along axis 0\. Leave out --slice_axis"):
        write_series(tmp_path / "out", volume, read_source(folder), processing)
    assert not (tmp_path / "out").exists()
