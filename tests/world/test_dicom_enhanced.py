"""Enhanced MR as scanners write it: any frame order, groups, files, volumes."""

import logging

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK
from pydicom import uid
from pydicom.dataset import Dataset
from world import scans, strangers

from deepresolve.imaging import formats
from deepresolve.imaging.degradation import interpolate
from deepresolve.imaging.dicom_output.anonymization import Anonymizer
from deepresolve.imaging.dicom_output.processing import Processing
from deepresolve.imaging.dicom_output.segmentation_object import write_segmentation
from deepresolve.imaging.dicom_output.series import write_series
from deepresolve.imaging.dicom_output.source import read_source
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.intensity import to_dtype

MACROS = ("PlanePosition", "PlaneOrientation", "PixelMeasures", "MREcho")
PROCESSING = Processing("computed", "sr_cnn", "0123456789abcdef" * 4)


@pytest.fixture
def array():
    return scans.knee().astype(np.uint16)


def frames_of(array, **macros):
    return [
        scans.frame_of(array[:, :, n].T, n, **macros) for n in range(array.shape[2])
    ]


def read(path, **choice):
    return formats.read_image(path, choice=Choice(**choice))


def split(path, frames, name="IM{}", **tags):
    """One file a frame, or a part of a concatenation each; gives the folder."""
    for number, part in enumerate(frames):
        part = part if isinstance(part, list) else [part]
        own = {k: v(number) if callable(v) else v for k, v in tags.items()}
        own["SOPInstanceUID"] = f"{scans.UID_ROOT}9.{number}"
        scans.save_enhanced(path / name.format(number), part, **own)
    return path


@pytest.mark.parametrize("order", [1, -1, 3, 7])
@pytest.mark.parametrize("shared", [(), MACROS[1:3], MACROS[1:]])
def test_frames_are_put_where_they_lie(order, shared, array, tmp_path, caplog):
    """In one file, in any order, whichever macros all frames share."""
    frames = frames_of(array)
    shuffled = [frames[(order * n) % 10] for n in range(10)]
    scans.save_enhanced(tmp_path / "IM1", shuffled, shared=shared)
    volume = read(tmp_path)
    np.testing.assert_array_equal(volume.array, array)
    assert volume.slice_thickness_mm == scans.STEP_MM
    assert not caplog.messages
    # Without any shared macro dcm2niix 1.0.20220720 loses the direction of the slices
    # where the second frame does not lie beside the first.
    if shared:
        (image,) = strangers.dcm2niix(tmp_path)
        assert strangers.is_same(volume, image)


@pytest.mark.parametrize("encoding", ["2D", "3D"])
def test_how_slices_were_encoded_is_said_once_for_all_frames(encoding, array, tmp_path):
    """In the MR Pulse Sequence module (PS3.3 C.8.13.4), outside the groups."""
    path = scans.save_enhanced(
        tmp_path / "IM1", frames_of(array), MRAcquisitionType=encoding
    )
    assert read(path).slice_encoding == encoding


def test_simpleitk_finds_the_same_voxels(array, tmp_path):
    path = scans.save_enhanced(tmp_path / "IM1", frames_of(array))
    theirs = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path)))
    np.testing.assert_array_equal(theirs.transpose(2, 1, 0), array)
    np.testing.assert_array_equal(read(path).array, array)


def test_one_frame_a_file_is_read_as_one_scan(array, tmp_path, caplog):
    folder = split(tmp_path / "a", frames_of(array))
    volume = read(folder)
    np.testing.assert_array_equal(volume.array, array)
    assert not caplog.messages
    (image,) = strangers.dcm2niix(folder)
    assert strangers.is_same(volume, image)


def test_the_parts_of_a_concatenation_are_one_scan(array, tmp_path):
    frames = frames_of(array)
    folder = split(
        tmp_path / "a",
        [frames[:4], frames[4:8], frames[8:]],
        ConcatenationUID=f"{scans.UID_ROOT}8",
        InConcatenationNumber=lambda n: n + 1,
        InConcatenationTotalNumber=3,
    )
    np.testing.assert_array_equal(read(folder).array, array)
    (folder / "IM2").unlink()  # The last: no gap tells of it.
    with pytest.raises(ValueError, match="part 3 of 3 of a concatenation"):
        read(folder)


def test_a_concatenation_that_does_not_say_how_long_it_is_is_told(
    array, tmp_path, caplog
):
    frames = frames_of(array)
    folder = split(
        tmp_path / "a",
        [frames[:4], frames[4:8]],
        ConcatenationUID=f"{scans.UID_ROOT}8",
        InConcatenationNumber=lambda n: n + 1,
    )
    assert read(folder).num_slices == 8
    (note,) = caplog.messages
    assert "parts 1 to 2 of a concatenation are here" in note


def test_frames_without_groups_of_their_own_are_named(array, tmp_path):
    path = scans.save_enhanced(tmp_path / "IM1", frames_of(array), NumberOfFrames=12)
    with pytest.raises(ValueError, match=r"IM1: has 12 frames and describes 10"):
        read(path)


def test_a_missing_frame_is_named(array, tmp_path):
    frames = frames_of(array)
    del frames[4]
    scans.save_enhanced(tmp_path / "IM1", frames)
    with pytest.raises(ValueError, match=r"1 missing.*IM1 frame 4 and IM1 frame 5"):
        read(tmp_path)


def test_echoes_in_one_file_are_chosen(array, tmp_path):
    later = (array // 2).astype(np.uint16)
    frames = [
        frame
        for one, two in zip(
            frames_of(array, MREcho={"EffectiveEchoTime": 12.5}),
            frames_of(later, MREcho={"EffectiveEchoTime": 40.25}),
            strict=True,
        )
        for frame in (one, two)
    ]
    scans.save_enhanced(tmp_path / "IM1", frames)
    with pytest.raises(ValueError, match=r"echo 2: 10 slices, TE 40.25 ms"):
        read(tmp_path)
    np.testing.assert_array_equal(read(tmp_path, echo=1).array, array)
    np.testing.assert_array_equal(read(tmp_path, echo=2).array, later)


def test_types_of_one_file_have_their_own_rescaling(array, tmp_path):
    """As Philips writes it: magnitude, phase, ... of each slice, all in one object."""
    kinds = ("M", "R", "I", "P")
    frames = []
    for number, kind in enumerate(kinds):
        frames += frames_of(
            array + number,
            MRImageFrameType={"FrameType": ["ORIGINAL", "PRIMARY", kind, kind]},
            PixelValueTransformation={
                "RescaleIntercept": -4096.0 if kind != "M" else 0.0,
                "RescaleSlope": 2.0 if kind != "M" else 0.5,
                "RescaleType": "normalized",
            },
        )
    scans.save_enhanced(tmp_path / "IM1", frames)
    with pytest.raises(ValueError, match="volume 4: ImageType P, 10 slices"):
        read(tmp_path)
    np.testing.assert_array_equal(read(tmp_path, volume="M").array, array * 0.5)
    phase = read(tmp_path, volume="P").array
    np.testing.assert_array_equal(phase, (array + 3.0) * 2 - 4096)


def test_echo_numbers_of_philips_own_are_found(array, tmp_path):
    """The groups alone do not tell these two apart."""
    frames = frames_of(array) + frames_of(array + 1)
    path = scans.save_enhanced(tmp_path / "IM1", frames)
    made = pydicom.dcmread(path)
    for number, group in enumerate(made.PerFrameFunctionalGroupsSequence):
        item = Dataset()
        item.EchoNumbers = 1 + number // 10
        block = group.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
        block.add_new(0x0F, "SQ", [item])
    # pydicom gives the first block of a creator: (2005,100F). Philips' is (2005,140F).
    for group in made.PerFrameFunctionalGroupsSequence:
        element = group.pop(0x2005100F)
        group.pop(0x20050010)
        group.add_new(0x20050014, "LO", "Philips MR Imaging DD 005")
        group.add_new(0x2005140F, "SQ", element.value)
    made.save_as(path)
    np.testing.assert_array_equal(read(path, echo=2).array, array + 1)


def test_time_points_are_chosen_by_their_index(array, tmp_path):
    frames = []
    for time in (1, 2, 3):
        frames += frames_of(array + time, FrameContent={"TemporalPositionIndex": time})
    scans.save_enhanced(tmp_path / "IM1", frames)
    np.testing.assert_array_equal(read(tmp_path, volume="time 3").array, array + 3)


def test_what_a_dimension_alone_tells_apart_is_chosen(array, tmp_path):
    frames = []
    for value in (1, 2):
        frames += [
            scans.frame_of(
                array[:, :, n].T + np.uint16(value),
                n,
                FrameContent={"DimensionIndexValues": [value, 10 - n]},
            )
            for n in range(10)
        ]
    dimensions = []
    for keyword in ("EffectiveEchoTime", "InStackPositionNumber"):
        item = Dataset()
        item.DimensionIndexPointer = pydicom.tag.Tag(keyword)
        dimensions.append(item)
    scans.save_enhanced(tmp_path / "IM1", frames, DimensionIndexSequence=dimensions)
    found = read(tmp_path, volume="dimensions 2").array
    np.testing.assert_array_equal(found, array + 2)


def test_files_that_are_volumes_are_chosen_by_name(array, tmp_path):
    """Nothing in them tells them apart."""
    folder = split(tmp_path / "a", [frames_of(array), frames_of(array + 1)])
    np.testing.assert_array_equal(read(folder, volume="IM1").array, array + 1)
    with pytest.raises(ValueError, match="volume 2: file IM1, 10 slices"):
        read(folder)


@pytest.mark.parametrize("in_turns", [False, True])
def test_frames_that_nothing_tells_apart_are_chosen_by_their_order(
    in_turns, array, tmp_path
):
    own = [frames_of(array), frames_of(array // 2)]
    frames = [*own[0], *own[1]]
    if in_turns:
        frames = [frame for pair in zip(*own, strict=True) for frame in pair]
    scans.save_enhanced(tmp_path / "IM1", frames)
    with pytest.raises(ValueError, match=r"volume 2: frames from (11|2), 10 slices"):
        read(tmp_path)
    np.testing.assert_array_equal(read(tmp_path, volume=1).array, array)
    np.testing.assert_array_equal(read(tmp_path, volume=2).array, array // 2)


def test_directions_of_velocity_are_chosen(array, tmp_path):
    frames = []
    for direction, voxels in (([1.0, 0.0, 0.0], array), ([0.0, 1.0, 0.0], array // 2)):
        macro = {"VelocityEncodingDirection": direction}
        frames += frames_of(voxels, MRVelocityEncoding=macro)
    scans.save_enhanced(tmp_path / "IM1", frames)
    with pytest.raises(ValueError, match=r"volume 2: velocity direction 0\\1, 10"):
        read(tmp_path)
    np.testing.assert_array_equal(read(tmp_path, volume=2).array, array // 2)


def test_two_stacks_of_one_file_are_chosen(array, tmp_path):
    first = frames_of(array)
    second = [
        scans.frame_of(
            array[:, :, n].T,
            n,
            position=np.add(scans.place_mm(n), (0, 200, 0)),
            FrameContent={"StackID": "2"},
        )
        for n in range(10)
    ]
    scans.save_enhanced(tmp_path / "IM1", first + second)
    volume = read(tmp_path, volume="stack 2")
    np.testing.assert_allclose(
        volume.affine[:3, 3] - read(tmp_path, volume=1).affine[:3, 3], (0, -200, 0)
    )


def test_legacy_converted_images_are_read(array, tmp_path):
    """What has no macro stands as it was in the slices (PS3.3 A.70)."""
    frames = []
    for echo in (1, 2):
        frames += frames_of(
            array * echo,
            UnassignedPerFrameConvertedAttributes={"EchoTime": 15.0 * echo},
        )
    for _, macros in frames:
        del macros["MREcho"]
    scans.save_enhanced(
        tmp_path / "IM1", frames, SOPClassUID=uid.LegacyConvertedEnhancedMRImageStorage
    )
    np.testing.assert_array_equal(read(tmp_path, echo=2).array, array * 2)


def test_highdicoms_conversion_of_slices_reads_as_the_slices(array, tmp_path):
    scans.dicom_stack(tmp_path / "slices", array)
    slices = [pydicom.dcmread(f) for f in sorted((tmp_path / "slices").iterdir())]
    converted = highdicom.legacy.LegacyConvertedEnhancedMRImage(
        slices, uid.generate_uid(), 7, uid.generate_uid(), 1
    )
    converted.save_as(tmp_path / "converted.dcm")
    ours, theirs = read(tmp_path / "slices"), read(tmp_path / "converted.dcm")
    np.testing.assert_array_equal(ours.array, theirs.array)
    np.testing.assert_allclose(ours.affine, theirs.affine)
    assert theirs.slice_thickness_mm == scans.STEP_MM


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEGLSLossless])
def test_compressed_frames_are_decoded(syntax, array, tmp_path):
    frames = []
    for time in (1, 2):
        frames += frames_of(array + time, FrameContent={"TemporalPositionIndex": time})
    path = scans.save_enhanced(tmp_path / "IM1", frames)
    made = pydicom.dcmread(path)
    made.compress(syntax, generate_instance_uid=False)
    made.save_as(path)
    np.testing.assert_array_equal(read(tmp_path, volume=2).array, array + 2)


def test_colour_is_refused(array, tmp_path):
    scans.save_enhanced(
        tmp_path / "IM1",
        frames_of(array),
        SOPClassUID=uid.EnhancedMRColorImageStorage,
        SamplesPerPixel=3,
        PhotometricInterpretation="RGB",
    )
    with pytest.raises(ValueError, match="frame 1 is a colour image"):
        read(tmp_path)


@pytest.fixture(params=["one file", "files", "parts", "echoes"])
def source(request, array, tmp_path):
    """Enhanced MR as scanners write it, and what to choose of it."""
    timing = {
        "MRTimingAndRelatedParameters": {"RepetitionTime": 3000, "FlipAngle": 90},
        "MRImageFrameType": {"FrameType": ["ORIGINAL", "PRIMARY", "SE", "NONE"]},
        "FrameAnatomy": {"FrameLaterality": "R"},
    }
    frames = frames_of(array, **timing)
    if request.param == "files":
        return split(tmp_path / "a", frames), Choice()
    if request.param == "parts":
        tags = {"ConcatenationUID": f"{scans.UID_ROOT}8"}
        tags["InConcatenationTotalNumber"] = 2
        number = {"InConcatenationNumber": lambda n: n + 1}
        parts = split(tmp_path / "a", [frames[:6], frames[6:]], **tags, **number)
        return parts, Choice()
    choice = Choice()
    if request.param == "echoes":
        late = {"MREcho": {"EffectiveEchoTime": 70.0}}
        frames += frames_of(array // 2, **timing, **late)
        choice = Choice(echo=1)
    scans.save_enhanced(tmp_path / "a" / "IM1", frames)
    return tmp_path / "a", choice


@pytest.mark.parametrize("anonymous", [False, True])
def test_a_derived_series_says_what_the_frames_did(source, anonymous, tmp_path, caplog):
    folder, choice = source
    scan = formats.read_image(folder, choice=choice)
    anonymizer = Anonymizer() if anonymous else None
    acquired = read_source(folder, choice=choice, anonymizer=anonymizer)
    thin = interpolate(scan, 3)
    thin = thin.with_array(to_dtype(thin.array, scan.array.dtype))
    write_series(tmp_path / "thin", thin, acquired, PROCESSING)
    files = sorted((tmp_path / "thin").iterdir())
    image = pydicom.dcmread(files[3])
    assert image.SOPClassUID == uid.MRImageStorage
    assert (image.EchoTime, image.RepetitionTime, image.FlipAngle) == (30, 3000, 90)
    assert (image.ScanningSequence, image.ImagedNucleus) == ("SE", "1H")
    assert image.ImageType == ["DERIVED", "SECONDARY", "SE"]
    assert image.ImageLaterality == "R"
    assert image.get("PatientName") == ("" if anonymous else "Test^Knee")
    references = [
        (item.ReferencedSOPInstanceUID, frame)
        for item in image.SourceImageSequence
        for frame in np.atleast_1d(item.get("ReferencedFrameNumber", 1))
    ]
    assert len(set(references)) == 10
    assert strangers.errors_of(files[3]) == set()
    (theirs,) = strangers.dcm2niix(tmp_path / "thin")
    assert strangers.is_same(thin, theirs)
    reader = SimpleITK.ImageSeriesReader()
    names = reader.GetGDCMSeriesFileNames(str(tmp_path / "thin"))
    reader.SetFileNames(names)
    theirs = SimpleITK.GetArrayFromImage(reader.Execute()).transpose(2, 1, 0)
    np.testing.assert_array_equal(np.sort(theirs, axis=2), np.sort(thin.array, axis=2))
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_segmentation_refers_to_frames(source, tmp_path):
    folder, choice = source
    scan = formats.read_image(folder, choice=choice)
    labels = scan.with_array((scan.array > 300).astype(np.uint8))
    acquired = read_source(folder, choice=choice)
    path = tmp_path / "labels.dcm"
    write_segmentation(path, labels, ("femur",), acquired, PROCESSING)
    assert strangers.errors_of(path) == set()
    found = highdicom.seg.segread(path)
    series = found.ReferencedSeriesSequence
    files = {pydicom.dcmread(f).SOPInstanceUID for f in folder.iterdir()}
    assert {
        item.ReferencedSOPInstanceUID
        for each in series
        for item in each.ReferencedInstanceSequence
    } == files
    for groups, pixels in zip(
        found.PerFrameFunctionalGroupsSequence, found.pixel_array, strict=True
    ):
        (image,) = groups.DerivationImageSequence[0].SourceImageSequence
        (file,) = (
            made
            for made in map(pydicom.dcmread, folder.iterdir())
            if made.SOPInstanceUID == image.ReferencedSOPInstanceUID
        )
        frame = int(image.get("ReferencedFrameNumber", 1)) - 1
        own = file.PerFrameFunctionalGroupsSequence[frame].PlanePositionSequence[0]
        place = groups.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(place, own.ImagePositionPatient)
        voxels = np.atleast_3d(file.pixel_array.T).T[frame]
        np.testing.assert_array_equal(pixels, voxels > 300)
