"""What is wrong with a DICOM header: read all the same and told, or named."""

import shutil

import numpy as np
import pydicom
import pytest
from pydicom import uid
from world import scans, strangers

from deepresolve.imaging import formats
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.segmentation_object import write_segmentation
from deepresolve.imaging.dicom_output.series import write_series
from deepresolve.imaging.dicom_output.source import read_source
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.intensity import to_dtype

PROCESSING = Processing("computed", "sr_cnn", "0123456789abcdef" * 4)


def replace(folder, old, new):
    """Writes other bytes, as many, into each file."""
    assert len(old) == len(new)
    for file in folder.iterdir():
        raw = file.read_bytes()
        assert old in raw
        file.write_bytes(raw.replace(old, new))


@pytest.fixture
def derive(tmp_path):
    """Reads a scan and writes a series and a segmentation of it; gives the three."""

    def make(folder):
        scan = formats.read_image(folder)
        source = read_source(folder)
        thin = interpolate(scan, 2)
        thin = thin.with_array(to_dtype(thin.array, scan.array.dtype))
        write_series(tmp_path / "thin", thin, source, PROCESSING)
        labels = scan.with_array((scan.array > 300).astype(np.uint8))
        path = tmp_path / "labels.dcm"
        write_segmentation(path, labels, ("femur",), source, PROCESSING)
        return scan, tmp_path / "thin" / "0002.dcm", path

    return make


@pytest.mark.parametrize("word", [b"hidden", b"******", b"1,5   ", b"NaN   "])
def test_a_word_for_a_number_or_date_stops_nothing(word, derive, tmp_path, caplog):
    folder = tmp_path / "a"
    tags = {"PatientAge": "036Y", "PatientWeight": "70.125", "NumberOfAverages": "2.0"}
    scans.dicom_stack(folder, EchoTime="12.345", **tags)
    replace(folder, b"036Y", b"anon")
    replace(folder, b"70.125", word)
    replace(folder, b"12.345", word)
    replace(folder, b"20200102", b"hidden  ")
    scan, image, labels = derive(folder)
    assert scan.shape == scans.SHAPE
    for path in (image, labels):
        assert strangers.errors_of(path) == set()
        made = pydicom.dcmread(path)
        assert not made.get("PatientAge")
        assert not made.get("PatientWeight")
        assert not made.StudyDate
    text = word.decode().strip()
    for keyword in (
        "PatientAge (0010,1010) is 'anon'",
        f"PatientWeight (0010,1030) is {text!r}",
    ):
        assert f"{folder}: {keyword}: left out." in caplog.messages
    assert (
        f"{folder}: EchoTime (0018,0081) is {text!r}, no number that it can be, in 10 "
        "of 10 slices: it is left out."
    ) in caplog.messages


@pytest.mark.parametrize(
    ("old", "new", "keyword"),
    [
        (b"0.5\\0.5 ", b"0.5,0.5 ", r"2 numbers in PixelSpacing \(0028,0030\)"),
        (b"0.5\\0.5 ", b"hidden  ", r"2 numbers in PixelSpacing \(0028,0030\)"),
        (
            b"0.0\\1.0\\0.0\\0.0\\0.0\\-1.0",
            b"0.0\\1.0\\0.0\\0.0\\0.0\\anon",
            "6 numbers in ImageO",
        ),
        (b"-10.0\\15.0", b"-10.0;15.0", r"3 numbers in ImagePositionPatient \(0020"),
        (b"1.25", b"1,25", r"1 number in RescaleSlope \(0028,1053\)"),
        (b"-7.5", b"none", r"1 number in RescaleIntercept \(0028,1052\)"),
    ],
)
def test_what_is_needed_is_named(old, new, keyword, tmp_path):
    scans.dicom_stack(tmp_path / "a", RescaleSlope="1.25", RescaleIntercept="-7.5")
    replace(tmp_path / "a", old, new)
    with pytest.raises(ValueError, match=keyword) as caught:
        formats.read_image(tmp_path / "a")
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / 'a'}: IM00")
    assert new.decode().split("\\")[-1].strip() in text
    assert "dcmodify" in text


def test_a_bad_element_of_another_series_is_no_matter(tmp_path):
    scans.dicom_stack(tmp_path / "a", series=2, name="b{}.dcm")
    replace(tmp_path / "a", b"0.5\\0.5 ", b"0.5,0.5 ")
    array = scans.dicom_stack(tmp_path / "a")
    found = formats.read_image(tmp_path / "a", choice=Choice(series=1))
    np.testing.assert_array_equal(found.array, array)


def test_numbers_and_texts_at_their_ends(derive, tmp_path):
    def edit(made, index):
        made.SeriesDescription = "x" * 64
        made.SeriesNumber = 2**31 - 1
        made.InstanceNumber = None

    scans.dicom_stack(tmp_path / "a", edit=edit)
    _, image, labels = derive(tmp_path / "a")
    for path in (image, labels):
        made = pydicom.dcmread(path)
        assert 0 < made.SeriesNumber < 2**31
        assert len(made.SeriesDescription) == 64
        assert strangers.errors_of(path) == set()


def test_texts_beyond_their_length_are_shortened(derive, tmp_path, caplog):
    with pydicom.config.disable_value_validation():
        scans.dicom_stack(
            tmp_path / "a", StudyDescription="s" * 80, StationName="n" * 20
        )
    _, image, _ = derive(tmp_path / "a")
    made = pydicom.dcmread(image)
    assert (len(made.StudyDescription), len(made.StationName)) == (64, 16)
    assert any("StudyDescription (0008,1030) is too long" in m for m in caplog.messages)


def test_foreign_letters_in_a_code_are_left_out(derive, tmp_path, caplog):
    scans.dicom_stack(tmp_path / "a", BodyPartExamined="KNEE12")
    replace(tmp_path / "a", b"KNEE12", "GENOU\u00c9".encode("latin-1"))
    _, image, _ = derive(tmp_path / "a")
    assert "BodyPartExamined" not in pydicom.dcmread(image)
    assert "BodyPartExamined (0018,0015) is 'GENOU\u00c9': left out" in caplog.text


def test_a_name_without_character_set_keeps_its_bytes(derive, tmp_path, caplog):
    scans.dicom_stack(
        tmp_path / "a", edit=lambda made, n: made.pop("SpecificCharacterSet")
    )
    name = "\u0418\u0432\u0430\u043d\u043e\u0432^\u0410 ".encode("cp1251")
    replace(tmp_path / "a", b"Test^Knee ", name.ljust(10))
    _, image, _ = derive(tmp_path / "a")
    assert name.strip() in image.read_bytes()
    assert "PatientName (0010,0010) has letters beyond ASCII, and no" in caplog.text


def test_a_character_set_that_nobody_knows_stops_nothing(derive, tmp_path):
    scans.dicom_stack(tmp_path / "a")
    replace(tmp_path / "a", b"ISO_IR 100", b"hidden    ")
    _, image, _ = derive(tmp_path / "a")
    assert pydicom.dcmread(image).PatientName == "Test^Knee"


@pytest.mark.parametrize("name", ["copy.dcm", "a copy of it"])
def test_a_copy_is_taken_once(name, tmp_path, caplog):
    array = scans.dicom_stack(tmp_path / "a")
    shutil.copy(tmp_path / "a" / "IM0004.dcm", tmp_path / "a" / name)
    np.testing.assert_array_equal(formats.read_image(tmp_path / "a").array, array)
    (note,) = caplog.messages
    assert note.startswith(f"{tmp_path / 'a'}: 1 of 11 files are copies of others")


def test_a_copy_in_another_transfer_syntax_is_one(tmp_path, caplog):
    array = scans.dicom_stack(tmp_path / "a")
    for file in sorted((tmp_path / "a").iterdir())[:3]:
        made = pydicom.dcmread(file)
        made.compress(uid.RLELossless, generate_instance_uid=False)
        made.save_as(file.with_name(f"z{file.name}"))
    np.testing.assert_array_equal(formats.read_image(tmp_path / "a").array, array)
    assert "3 of 13 files are copies" in caplog.text


def test_one_instance_uid_for_all_slices_is_told(tmp_path, caplog):
    array = scans.dicom_stack(tmp_path / "a", SOPInstanceUID="1.2.3")
    shutil.copy(tmp_path / "a" / "IM0004.dcm", tmp_path / "a" / "copy.dcm")
    volume = formats.read_image(tmp_path / "a")
    np.testing.assert_array_equal(volume.array, array)
    (theirs,) = strangers.dcm2niix(tmp_path / "a")
    assert strangers.is_same(volume, theirs)
    copies, uids = caplog.messages
    assert "1 of 11 files are copies of others" in copies
    assert "10 images have 1 SOPInstanceUIDs; they lie at different places" in uids


def test_a_mosaic_is_no_slice(tmp_path):
    kind = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    scans.dicom_stack(tmp_path / "a", ImageType=kind)
    with pytest.raises(ValueError, match=r"IM0001.dcm is a mosaic of many.*dcm2niix"):
        formats.read_image(tmp_path / "a")


def test_one_uid_for_two_images_is_named(tmp_path):
    scans.dicom_stack(tmp_path / "a")
    other = pydicom.dcmread(tmp_path / "a" / "IM0004.dcm")
    other.PixelData = bytes(len(other.PixelData))
    other.save_as(tmp_path / "a" / "other.dcm")
    with pytest.raises(ValueError, match=r"IM0004.dcm and other.dcm have one SOPInst"):
        formats.read_image(tmp_path / "a")


@pytest.mark.parametrize("number", [1, None])
def test_a_series_uid_for_each_slice(number, derive, tmp_path, caplog):
    def edit(made, index):
        made.SeriesInstanceUID = f"{scans.UID_ROOT}5.{index + 1}"
        made.SeriesNumber = number

    array = scans.dicom_stack(tmp_path / "a", edit=edit)
    scan, _, labels = derive(tmp_path / "a")
    np.testing.assert_array_equal(scan.array, array)
    assert "10 slices have 10 SeriesInstanceUIDs" in caplog.text
    series = pydicom.dcmread(labels).ReferencedSeriesSequence
    assert {item.SeriesInstanceUID for item in series} == {
        f"{scans.UID_ROOT}5.{n + 1}" for n in range(10)
    }
    (theirs,) = strangers.dcm2niix(tmp_path / "thin")
    assert strangers.is_same(formats.read_image(tmp_path / "thin"), theirs)


def test_a_missing_slice_of_such_a_series_is_named(tmp_path):
    scans.dicom_stack(
        tmp_path / "a",
        edit=lambda made, n: setattr(made, "SeriesInstanceUID", f"1.2.{n + 1}"),
    )
    (tmp_path / "a" / "IM0004.dcm").unlink()
    with pytest.raises(ValueError, match=r"1 missing, at -11.00"):
        formats.read_image(tmp_path / "a")


@pytest.mark.parametrize(
    "tags",
    [
        {"SeriesNumber": 2},
        {"SeriesDescription": "sag t2"},
        {"StudyInstanceUID": "1.2.3"},
        {"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]},
    ],
)
def test_true_series_are_not_joined(tags, tmp_path):
    """Of one image each, such as a scout's; one image differs in one thing."""
    for index in range(3):
        made = scans.dicom_slice(scans.knee().astype(np.uint16)[:, :, 0].T, index)
        made.SeriesInstanceUID = f"1.2.{index + 1}"
        for keyword, value in tags.items() if index == 1 else ():
            setattr(made, keyword, value)
        scans.save_dicom(made, tmp_path / f"{index}.dcm")
    with pytest.raises(ValueError, match=r"\d series, and none was chosen"):
        formats.read_image(tmp_path)


def test_a_slice_without_series_number_is_of_its_series(tmp_path):
    array = scans.dicom_stack(
        tmp_path, edit=lambda made, n: n % 3 or setattr(made, "SeriesNumber", None)
    )
    np.testing.assert_array_equal(formats.read_image(tmp_path).array, array)


@pytest.mark.parametrize(
    ("thickness", "expected"),
    [(2.5, 2.5), (4.5, 4.5), (0, None), (-3, None), (300, None)],
)
def test_a_thickness_that_cannot_be_is_told(thickness, expected, tmp_path, caplog):
    scans.dicom_stack(tmp_path, SliceThickness=thickness)
    assert formats.read_image(tmp_path).slice_thickness_mm == expected
    told = (
        f"SliceThickness is {thickness} mm, where slices are 3 mm apart" in caplog.text
    )
    assert told == (expected is None)


def test_thicknesses_that_differ_are_told(tmp_path, caplog):
    scans.dicom_stack(
        tmp_path, edit=lambda m, n: setattr(m, "SliceThickness", 2 + n % 2)
    )
    assert formats.read_image(tmp_path).slice_thickness_mm is None
    assert "SliceThickness differs, 2 mm and 3 mm" in caplog.text


def test_slices_of_one_volume_that_differ_in_echo_time_are_told(tmp_path, caplog):
    scans.dicom_stack(
        tmp_path, edit=lambda m, n: setattr(m, "EchoTime", 10 + 20 * (n > 4))
    )
    formats.read_image(tmp_path)
    assert "slices of one volume differ in EchoTime (10, 30)" in caplog.text


@pytest.mark.parametrize("step_mm", [0.7, 3.3])
@pytest.mark.parametrize("decimals", [1, 2, 3])
def test_rounded_positions_are_read_as_dcm2niix_does(
    step_mm, decimals, tmp_path, caplog
):
    row = np.array([0.05, 0.99, -0.13]) / np.linalg.norm([0.05, 0.99, -0.13])
    column = np.array([0.21, -0.1, -0.97])
    column -= row * (column @ row)
    column /= np.linalg.norm(column)
    true = [np.array([-20.3, -10.2, 15.7]), np.cross(row, column) * step_mm]

    def edit(made, index):
        place = np.round(true[0] + index * true[1], decimals)
        made.ImagePositionPatient = [f"{x:.{decimals}f}" for x in place]
        made.ImageOrientationPatient = [f"{x:.6f}" for x in (*row, *column)]

    scans.dicom_stack(tmp_path, edit=edit)
    volume = formats.read_image(tmp_path)
    np.testing.assert_allclose(
        volume.affine[:3, 2] * (-1, -1, 1), true[1], atol=0.2 * 10.0**-decimals
    )
    np.testing.assert_allclose(
        volume.affine[:3, 3] * (-1, -1, 1), true[0], atol=0.6 * 10.0**-decimals
    )
    (theirs,) = strangers.dcm2niix(tmp_path)
    assert strangers.is_same(volume, theirs, atol_mm=2 * 10.0**-decimals)
    if decimals == 1:
        assert "ImagePositionPatient is rounded to 0.1 mm" in caplog.text


def test_a_slice_that_is_missing_among_rounded_ones_is_named(tmp_path):
    def edit(made, index):
        made.ImagePositionPatient = [f"{20 - 0.7 * index:.1f}", "-10.0", "15.0"]

    scans.dicom_stack(tmp_path, edit=edit)
    (tmp_path / "IM0005.dcm").unlink()
    with pytest.raises(ValueError, match="1 missing"):
        formats.read_image(tmp_path)


def test_directions_of_two_decimals_are_made_unit_vectors(tmp_path, caplog):
    angle = np.deg2rad(21)
    cosines = [np.cos(angle), np.sin(angle), 0, 0, 0, -1]
    scans.dicom_stack(
        tmp_path,
        edit=lambda made, n: (
            setattr(made, "ImageOrientationPatient", [f"{x:.2f}" for x in cosines]),
            setattr(
                made,
                "ImagePositionPatient",
                [f"{x:.2f}" for x in np.cross(cosines[:3], cosines[3:]) * 3 * n],
            ),
        ),
    )
    volume = formats.read_image(tmp_path)
    np.testing.assert_allclose(volume.spacing_mm, (0.5, 0.5, 3), atol=2e-3)
    assert "ImageOrientationPatient is rounded" in caplog.text


def test_dates_and_times_with_signs_are_written_anew(derive, tmp_path, caplog):
    tags = {"PatientBirthDate": "1950-02-28", "AcquisitionTime": "10:11:12"}
    with pydicom.config.disable_value_validation():
        scans.dicom_stack(tmp_path / "a", **tags)
    _, image, _ = derive(tmp_path / "a")
    made = pydicom.dcmread(image)
    assert (made.PatientBirthDate, made.AcquisitionTime) == ("19500228", "101112")
    assert "PatientBirthDate (0010,0030) is written with other signs" in caplog.text


def test_a_study_uid_for_each_slice_as_well(tmp_path):
    def edit(made, index):
        made.SeriesInstanceUID = f"1.2.{index + 1}"
        made.StudyInstanceUID = f"1.3.{index + 1}"

    array = scans.dicom_stack(tmp_path / "a", edit=edit)
    np.testing.assert_array_equal(formats.read_image(tmp_path / "a").array, array)


def test_slices_of_several_persons_are_told(tmp_path, caplog):
    def edit(made, index):
        made.PatientID = "B" if index == 4 else "A"

    scans.dicom_stack(tmp_path, edit=edit)
    formats.read_image(tmp_path)
    (note,) = caplog.messages
    assert "slices of one volume have 2 PatientIDs" in note


@pytest.mark.parametrize(
    ("lacking", "tags", "note"),
    [
        (range(1, 10, 2), {}, "6 mm apart: 1 of every 2 slices may be missing"),
        (
            range(1, 10, 2),
            {"SliceThickness": 2.5},
            "1 of every 2 slices may be missing",
        ),
        ([9], {"ImagesInAcquisition": 10}, "ImagesInAcquisition is 10, and 9 are here"),
        ([0], {"NumberOfSeriesRelatedInstances": 10}, "Slices may be missing"),
        ([], {"SpacingBetweenSlices": 5}, "is 5 mm, and slices are 3 mm apart"),
    ],
)
def test_slices_whose_lack_no_gap_shows_are_told(lacking, tags, note, tmp_path, caplog):
    scans.dicom_stack(tmp_path, **tags)
    for index in lacking:
        (tmp_path / f"IM{index + 1:04d}.dcm").unlink()
    formats.read_image(tmp_path)
    (told,) = caplog.messages
    assert note in told


@pytest.mark.parametrize(
    "tags",
    [
        {"ImagesInAcquisition": 20},  # The other echo was not asked for.
        {"ImagesInAcquisition": 5},
        {"SliceThickness": 2.7, "SpacingBetweenSlices": 0.3},  # The gap.
        {"SpacingBetweenSlices": 3.1},
    ],
)
def test_numbers_that_need_not_mean_a_lack_are_no_matter(tags, tmp_path, caplog):
    scans.dicom_stack(tmp_path, **tags)
    formats.read_image(tmp_path)
    assert not caplog.messages
