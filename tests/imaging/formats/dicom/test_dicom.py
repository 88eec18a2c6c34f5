import os
import pathlib
import zipfile

import nibabel as nib
import numpy as np
import pydicom
import pytest
from pydicom import uid
from world import scans

from deepresolve.imaging import formats
from deepresolve.imaging.formats import dicom
from deepresolve.imaging.formats.choice import Choice

AXIAL = [1, 0, 0, 0, 1, 0]
SAGITTAL = [0, 1, 0, 0, 0, -1]
CORONAL = [1, 0, 0, 0, 0, -1]


def _data_folder():
    folder = os.environ.get("DEEPRESOLVE_DATA")
    if not folder:
        pytest.skip("DEEPRESOLVE_DATA, the folder of real scans, is not set.")
    return pathlib.Path(folder)


def _turned(orientation, degrees):
    """Both direction cosines turned about the vector (1, 2, 3), by Rodrigues."""
    axis = np.array([1, 2, 3]) / np.sqrt(14)
    angle = np.deg2rad(degrees)
    turned = [
        v * np.cos(angle)
        + np.cross(axis, v) * np.sin(angle)
        + axis * (axis @ v) * (1 - np.cos(angle))
        for v in np.reshape(orientation, (2, 3)).astype(float)
    ]
    return np.concatenate(turned)


@pytest.mark.parametrize("degrees", [0, 25])
@pytest.mark.parametrize("flip", [1, -1])
@pytest.mark.parametrize("plane", [AXIAL, SAGITTAL, CORONAL, [0, -1, 0, 1, 0, 0]])
def test_each_voxel_lies_where_the_standards_formula_puts_it(
    plane, flip, degrees, tmp_path, write_slice
):
    """PS3.3 C.7.6.2.1.1, voxel by voxel, in LPS+; RAS+ negates x and y.

    The value of a voxel tells the file, row and column it was written to. Positions
    descend, file names are shuffled and instance numbers run along neither.
    """
    row_cosine, column_cosine = np.reshape(_turned(plane, degrees), (2, 3))
    row_cosine = flip * row_cosine
    normal = np.cross(row_cosine, column_cosine)
    origin = np.array([-33.0, 21.0, 55.0])
    positions = [origin - 2.5 * number * normal for number in range(4)]
    row, column = np.indices((6, 5))
    for number, name in enumerate(["c", "a", "d", "b"]):
        write_slice(
            tmp_path / name,
            (1000 * number + 10 * row + column).astype(np.uint16),
            position=positions[number],
            ImageOrientationPatient=[*row_cosine, *column_cosine],
            InstanceNumber=[3, 1, 4, 2][number],
        )
    volume = dicom.read(tmp_path)
    assert volume.shape == (5, 6, 4)
    assert volume.slice_axis == 2
    for index, value in np.ndenumerate(volume.array):
        number, row, column = value // 1000, value % 1000 // 10, value % 10
        lps = positions[number] + row_cosine * 0.75 * column + column_cosine * 0.5 * row
        np.testing.assert_allclose(
            nib.affines.apply_affine(volume.affine, index), lps * (-1, -1, 1), atol=1e-6
        )
    # Slices ascend along the normal, so the axes are right-handed in LPS+ as in RAS+.
    assert np.linalg.det(volume.affine) > 0


@pytest.mark.parametrize(
    "syntax",
    [uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian],
)
def test_uncompressed_transfer_syntaxes(syntax, write_stack):
    folder, voxels = write_stack(syntax=syntax)
    array = dicom.read(folder).array
    assert array.dtype == np.dtype(np.int16)
    assert array.dtype.isnative
    np.testing.assert_array_equal(array, voxels)


def test_a_gap_is_kept_and_spacing_between_slices_is_not_believed(write_stack):
    folder, _ = write_stack(SliceThickness=3, SpacingBetweenSlices=3)
    volume = dicom.read(folder)
    assert volume.slice_spacing_mm == pytest.approx(4)
    assert volume.slice_thickness_mm == 3


@pytest.mark.parametrize("thickness", [None, "", 0])
def test_unknown_thickness_is_none(thickness, write_stack):
    folder, _ = write_stack(SliceThickness=thickness)
    assert dicom.read(folder).slice_thickness_mm is None


@pytest.mark.parametrize(
    ("written", "expected", "told"),
    [
        ("2D", "2D", ""),
        ("3D", "3D", ""),
        (None, None, ""),
        ("", None, ""),
        ("REMOVED", None, "MRAcquisitionType is REMOVED, neither 2D nor 3D"),
    ],
)
def test_how_slices_were_encoded(written, expected, told, write_stack, caplog):
    folder, _ = write_stack(MRAcquisitionType=written)
    assert dicom.read(folder).slice_encoding == expected
    assert told in caplog.text
    assert ("MRAcquisitionType" in caplog.text) == bool(told)


def test_slices_that_disagree_on_their_encoding_are_told(write_stack, caplog):
    folder, _ = write_stack(each=lambda n: {"MRAcquisitionType": "2D" if n else "3D"})
    assert dicom.read(folder).slice_encoding is None
    assert "MRAcquisitionType differs, 2D and 3D" in caplog.text


def test_slices_that_step_sideways_shear_the_affine(write_stack):
    folder, _ = write_stack(each=lambda n: {"position": (0, 1.5 * n, 4 * n)})
    np.testing.assert_allclose(dicom.read(folder).affine[:3, 2], (0, -1.5, 4))


@pytest.mark.parametrize(
    ("slope", "intercept", "dtype"),
    [
        (1, -1024, np.int16),
        (2, 0, np.int16),
        (100, 7, np.int32),  # 2000 * 100 needs more than 16 bits.
        (0.5, 0, np.float32),
        (1, 0.25, np.float32),
        (1e6, 0, np.int32),
        (1e7, 0, np.float32),  # 2000 * 1e7 needs more than 32 bits.
    ],
)
def test_rescaled_whole_numbers_stay_integers(slope, intercept, dtype, write_stack):
    folder, voxels = write_stack(RescaleSlope=slope, RescaleIntercept=intercept)
    array = dicom.read(folder).array
    assert array.dtype == dtype
    expected = voxels.astype(np.float64) * slope + intercept
    np.testing.assert_allclose(array, expected, rtol=1e-6)


def test_each_slice_has_its_own_rescaling(write_stack):
    folder, voxels = write_stack(
        each=lambda n: {"RescaleSlope": 1 + n / 2, "RescaleIntercept": n}
    )
    slopes, intercepts = 1 + np.arange(4) / 2, np.arange(4)
    np.testing.assert_allclose(
        dicom.read(folder).array, voxels * slopes + intercepts, rtol=1e-6
    )


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        (
            {"ImageOrientationPatient": SAGITTAL},
            "plane sagittal, 1 slice, the first slice1.dcm",
        ),
        ({"PixelSpacing": [0.5, 0.76]}, "pixels 0.5 x 0.76 mm, 1 slice"),
        ({"pixels": np.ones((4, 3), np.int16)}, "grid 4 x 3, 1 slice"),
        ({"PixelSpacing": None}, r"1.dcm needs 2 numbers in PixelSpacing.*; got none"),
        ({"PixelSpacing": [0, 0.75]}, "must be above 0 mm"),
        ({"ImageOrientationPatient": None}, "6 numbers in ImageOrientationPatient"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "at a right angle"),
        ({"SamplesPerPixel": 3}, "slice1.dcm is a colour image"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "the Ph.* 'MONOCHROME1'; expec"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "'PALETTE COLOR'; expected"),
        ({"PhotometricInterpretation": None}, "''; expected 'MONOCHROME2'"),
        ({"NumberOfFrames": 2}, "has 2 frames and no functional groups.*dcm2niix"),
        ({"BitsAllocated": 32}, "pixels of slice1.dcm cannot be read"),
    ],
)
def test_a_slice_unlike_the_rest_is_refused_by_name(tags, message, write_stack):
    folder, _ = write_stack(each=lambda n: tags if n == 1 else {})
    with pytest.raises(ValueError, match=message) as caught:
        dicom.read(folder)
    assert "slice1.dcm" in str(caught.value)
    assert str(folder) in str(caught.value)


def test_compressed_pixels_name_the_decoder_to_install(write_stack):
    # Not truly compressed: neither is there a decoder, nor could it decode this.
    folder, _ = write_stack(syntax=uid.JPEG2000Lossless)
    with pytest.raises(ValueError, match=r"JPEG 2000.*pip install pylibjpeg"):
        dicom.read(folder)


def test_a_truncated_file_is_refused_by_name(write_stack):
    folder, _ = write_stack()
    file = folder / "slice2.dcm"
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(ValueError, match=r"pixels of slice2.dcm cannot be read"):
        dicom.read(folder)


def test_a_folder_is_searched_to_any_depth_and_other_files_passed_over(write_stack):
    folder, voxels = write_stack()
    (folder / "deep").mkdir()
    (folder / "slice3.dcm").rename(folder / "deep" / "slice3.dcm")
    slice_bytes = (folder / "slice0.dcm").read_bytes()
    (folder / "readme.txt").write_text("not a scan")
    (folder / "empty").touch()
    (folder / ".hidden.dcm").write_bytes(slice_bytes)
    scans.dicomdir(folder / "DICOMDIR")
    report = pydicom.dcmread(folder / "slice0.dcm")
    for keyword in ("Rows", "Columns", "PixelData"):
        delattr(report, keyword)
    report.SeriesInstanceUID = "1.2.3"
    report.SOPClassUID = uid.EnhancedSRStorage
    report.save_as(folder / "report.dcm")
    np.testing.assert_array_equal(dicom.read(folder).array, voxels)


def test_only_reports_are_no_scan(write_stack):
    folder, _ = write_stack(num_slices=1)
    report = pydicom.dcmread(folder / "slice0.dcm")
    del report.Rows
    report.SOPClassUID = uid.EnhancedSRStorage
    report.save_as(folder / "slice0.dcm")
    with pytest.raises(ValueError, match=r"1 DICOM file\(s\) and no image among them"):
        dicom.read(folder)


def test_matches_by_content(tmp_path, write_stack):
    folder, _ = write_stack()
    assert dicom.matches(folder)
    assert dicom.matches(folder / "slice0.dcm")
    (tmp_path / "text.dcm").write_text("not DICOM, whatever the name says")
    (tmp_path / "nothing").mkdir()
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("readme.txt", "not a scan")
    for name in ("text.dcm", "nothing", "other.zip"):
        assert not dicom.matches(tmp_path / name)


def test_real_knee_two_echoes_in_one_series():
    """Against the files themselves: big-endian values end each file."""
    folder = _data_folder() / "knee_mese_dicom"
    with pytest.raises(ValueError, match=r"echo 2: 24 slices, TE 12\.624 ms"):
        formats.read_image(folder)
    volume = formats.read_image(folder, choice=Choice(echo=2))
    assert volume.shape == (256, 256, 24)
    assert volume.plane == "sagittal"
    assert volume.slice_thickness_mm == 3
    np.testing.assert_allclose(volume.spacing_mm, (0.625, 0.625, 4), atol=1e-4)
    for file in sorted(folder.iterdir())[1::8]:
        header = pydicom.dcmread(file, stop_before_pixels=True)
        assert header.EchoNumbers == 2
        stored = np.frombuffer(file.read_bytes()[-131072:], ">i2").reshape(256, 256)
        ras = np.array(header.ImagePositionPatient, float) * (-1, -1, 1)
        index = nib.affines.apply_affine(np.linalg.inv(volume.affine), ras)
        np.testing.assert_allclose(index, (0, 0, round(index[2])), atol=2e-3)
        np.testing.assert_array_equal(volume.array[:, :, round(index[2])], stored.T)


def test_real_head_agrees_with_its_nifti():
    """The 32 slices lie in the NIfTI of the same scan, voxel for voxel."""
    volume = formats.read_image(_data_folder() / "brain_t1_dicom")
    scan = nib.load(_data_folder() / "brain_t1.nii.gz")
    to_nifti = np.linalg.inv(scan.affine) @ volume.affine
    whole = np.round(to_nifti)
    np.testing.assert_allclose(to_nifti, whole, atol=1e-3)
    corner, opposite = (
        nib.affines.apply_affine(whole, index).astype(int)
        for index in ((0, 0, 0), np.array(volume.shape) - 1)
    )
    low, high = np.minimum(corner, opposite), np.maximum(corner, opposite) + 1
    region = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    block = nib.Nifti1Image(
        np.asanyarray(scan.dataobj)[region],
        scan.affine @ nib.affines.from_matvec(np.eye(3), low),
    )
    transform = nib.orientations.ornt_transform(
        nib.io_orientation(block.affine), nib.io_orientation(volume.affine)
    )
    block = block.as_reoriented(transform)
    np.testing.assert_allclose(block.affine, volume.affine, atol=1e-3)
    np.testing.assert_array_equal(np.asanyarray(block.dataobj), volume.array)
