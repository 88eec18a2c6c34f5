"""Series that hold several volumes: what tells slices apart is found, and chosen by."""

import re

import numpy as np
import pytest
from world import scans, strangers

from deepresolve.imaging import formats
from deepresolve.imaging.formats.choice import ALL, Choice

WATER, FAT = (["DERIVED", "PRIMARY", kind, kind, "DIXON"] for kind in "WF")


def two(folder, first, second, edit=None):
    """A series of two volumes that differ in some elements; gives their voxels."""
    arrays = []
    for number, elements in enumerate((first, second)):
        array = scans.knee(seed=number).astype(np.uint16)
        for index in range(array.shape[2]):
            made = scans.dicom_slice(array[:, :, index].T, index + 10 * number)
            made.ImagePositionPatient = list(scans.place_mm(index))
            for keyword, value in elements.items():
                setattr(made, keyword, value)
            if edit:
                edit(made, index, number)
            scans.save_dicom(made, folder / f"{number}{index:03d}.dcm")
        arrays.append(array)
    return arrays


def read(folder, **choice):
    return formats.read_image(folder, choice=Choice(**choice)).array


def listing(folder, **choice):
    with pytest.raises(ValueError, match="holds 2") as caught:
        read(folder, **choice)
    return str(caught.value)


@pytest.mark.parametrize("first", [1, 2])
def test_water_and_fat_are_listed_and_chosen(first, tmp_path):
    kinds = (WATER, FAT) if first == 1 else (FAT, WATER)
    arrays = two(tmp_path / "a", *({"ImageType": kind} for kind in kinds))
    water, fat = arrays if first == 1 else arrays[::-1]
    text = listing(tmp_path / "a")
    assert f"volume {first}: ImageType W, 10 slices, the first" in text
    assert f"volume {3 - first}: ImageType F, 10 slices, the first" in text
    assert f"--volume={'WF'[first - 1]}" in text
    for choice in (first, str(first), "W", "w", "ImageType W"):
        np.testing.assert_array_equal(read(tmp_path / "a", volume=choice), water)
    for choice in (3 - first, "F"):
        np.testing.assert_array_equal(read(tmp_path / "a", volume=choice), fat)
    for choice in ("X", 3, "DERIVED"):
        assert f"fit --volume={choice}" in listing(tmp_path / "a", volume=choice)


def test_dixon_is_read_as_dcm2niix_does(tmp_path):
    two(tmp_path / "a", {"ImageType": WATER}, {"ImageType": FAT})
    theirs = strangers.dcm2niix(tmp_path / "a")
    for kind in "WF":
        ours = formats.read_image(tmp_path / "a", choice=Choice(volume=kind))
        assert any(strangers.is_same(ours, image) for image in theirs)


@pytest.mark.parametrize(
    ("keyword", "values", "name"),
    [
        ("EchoTime", (10, 20), None),
        ("EchoNumbers", (1, 2), None),
        ("DiffusionBValue", (0.0, 800.0), "b-value 800"),
        ("AcquisitionNumber", (1, 2), "acquisition 2"),
        ("TemporalPositionIdentifier", (1, 2), "time 2"),
        ("TriggerTime", (15, 300.5), "trigger time 300.5"),
        ("InversionTime", (100, 900), "TI 900"),
        ("FlipAngle", (5, 30), "flip angle 30"),
        ("RepetitionTime", (20, 3000), "TR 3000"),
        ("StackID", ("1", "2"), "stack 2"),
        ("AcquisitionTime", ("101500", "101900"), "acquisition time 101900"),
        ("ContentTime", ("101500", "101900"), "content time 101900"),
        ("SequenceName", ("ep_b0", "ep_b800"), "sequence ep_b800"),
        ("InstanceNumber", None, "images from 11"),
    ],
)
def test_whatever_tells_volumes_apart(keyword, values, name, tmp_path):
    elements = [{keyword: v} for v in values] if values else [{}, {}]
    _, second = two(tmp_path / "a", *elements)
    text = listing(tmp_path / "a")
    if name is None:
        assert "--echo" in text
        np.testing.assert_array_equal(read(tmp_path / "a", echo=2), second)
    else:
        assert f"volume 2: {name}, 10 slices" in text
        np.testing.assert_array_equal(read(tmp_path / "a", volume=name), second)
    np.testing.assert_array_equal(read(tmp_path / "a", volume=2), second)


@pytest.mark.parametrize(
    ("creator", "group", "element", "vr", "values"),
    [
        ("SIEMENS MR HEADER", 0x0019, 0x0C, "IS", ("0", "800")),
        ("GEMS_PARM_01", 0x0043, 0x39, "IS", ([1000000000, 8], [1000000800, 8])),
        ("Philips Imaging DD 001", 0x2001, 0x03, "FL", (0.0, 800.0)),
    ],
)
def test_b_values_of_vendors_own(creator, group, element, vr, values, tmp_path):
    def private(made, index, number):
        made.private_block(group, creator, create=True).add_new(
            element, vr, values[number]
        )
        made.InstanceNumber = None

    two(tmp_path / "a", {}, {}, private)
    assert "volume 2: b-value 800, 10 slices" in listing(tmp_path / "a")


def test_times_of_slices_tell_no_volumes_apart(tmp_path):
    """Each slice of a 2D scan has a time of its own: 20 slices are no 20 volumes."""

    def edit(made, index, number):
        made.ContentTime = made.AcquisitionTime = f"10{index:02d}{number:02d}"
        made.TriggerTime = 10 * index + number

    two(tmp_path / "a", {"ImageType": WATER}, {"ImageType": FAT}, edit)
    assert "volume 2: ImageType F, 10 slices" in listing(tmp_path / "a")


def test_echoes_of_water_and_fat_are_chosen_by_both(tmp_path):
    expected = {}
    for echo in (1, 2):
        for kind, image_type in (("W", WATER), ("F", FAT)):
            number = len(expected)
            array = scans.knee(seed=number).astype(np.uint16)
            for index in range(10):
                made = scans.dicom_slice(array[:, :, index].T, index + 10 * number)
                made.ImagePositionPatient = list(scans.place_mm(index))
                made.EchoNumbers, made.EchoTime = echo, 10.0 * echo
                made.ImageType = image_type
                scans.save_dicom(made, tmp_path / "a" / f"{number}{index}.dcm")
            expected[echo, kind] = array
    with pytest.raises(ValueError, match=r"volume 4: echo 2, ImageType F, 10 slices"):
        read(tmp_path / "a")
    with pytest.raises(ValueError, match="2 of them fit --echo=2"):
        read(tmp_path / "a", echo=2)
    for (echo, kind), array in expected.items():
        found = read(tmp_path / "a", echo=echo, volume=kind)
        np.testing.assert_array_equal(found, array)
        found = read(tmp_path / "a", volume=f"echo {echo}, ImageType {kind}")
        np.testing.assert_array_equal(found, array)


def test_every_volume_becomes_a_scan_of_its_own(tmp_path):
    two(tmp_path / "a", {"ImageType": WATER}, {"ImageType": FAT})
    found = formats.contents(tmp_path / "a", Choice(volume=ALL)).choices
    assert found == (Choice(volume=1), Choice(volume=2))
    scans.dicom_stack(tmp_path / "plain")
    assert formats.contents(tmp_path / "plain", Choice(volume=ALL)).choices == (
        Choice(),
    )


def test_a_name_is_that_of_a_lone_volume_too(tmp_path):
    """Of many folders of water one may hold fat: it is not taken for water."""
    scans.dicom_stack(tmp_path / "a", ImageType=FAT)
    assert read(tmp_path / "a", volume="F").shape == scans.SHAPE
    with pytest.raises(ValueError, match="0 of them fit --volume=W"):
        read(tmp_path / "a", volume="W")


def test_two_stacks_are_chosen_by_where_they_lie(tmp_path):
    first = scans.dicom_stack(tmp_path / "a")
    for index in range(6):
        made = scans.dicom_slice(first[:, :, index].T, 20 + index)
        made.ImagePositionPatient = list(np.add(scans.place_mm(index), (50, 0, 0)))
        scans.save_dicom(made, tmp_path / "a" / f"second{index}.dcm")
    # The second stack is cut off the first by 50 - 5 * 3 = 35 mm, 11.67 slices.
    with pytest.raises(ValueError, match=r"volume 1: slices from -70.00 to -55.00 mm"):
        read(tmp_path / "a")
    np.testing.assert_array_equal(read(tmp_path / "a", volume=2), first)
    np.testing.assert_array_equal(read(tmp_path / "a", volume=1), first[:, :, :6])


def test_a_localizer_in_three_planes_is_listed_by_plane(tmp_path):
    for number, plane in enumerate(([0, 1, 0, 0, 0, -1], [1, 0, 0, 0, 0, -1])):
        scans.dicom_stack(
            tmp_path / "a",
            name=f"{number}{{}}.dcm",
            edit=lambda made, n, p=plane, m=number: (
                setattr(made, "ImageOrientationPatient", p),
                setattr(made, "SOPInstanceUID", f"{scans.UID_ROOT}{m}.{n}"),
                setattr(
                    made,
                    "ImagePositionPatient",
                    list(np.add((5, 5, 5), np.cross(p[:3], p[3:]) * 3 * n)),
                ),
            ),
        )
    text = listing(tmp_path / "a")
    assert "plane sagittal, 10 slices" in text
    assert "plane coronal, 10 slices" in text
    volume = formats.read_image(tmp_path / "a", choice=Choice(volume="coronal"))
    assert volume.plane == "coronal"


def test_a_missing_slice_of_one_volume_is_named(tmp_path):
    two(tmp_path / "a", {"ImageType": WATER}, {"ImageType": FAT})
    (tmp_path / "a" / "1004.dcm").unlink()
    assert read(tmp_path / "a", volume="W").shape == scans.SHAPE
    with pytest.raises(ValueError, match=r"1 missing, at -8\.00, between: 1003.dcm"):
        read(tmp_path / "a", volume="F")


@pytest.mark.parametrize("index", [0, 9])
def test_a_slice_that_another_volume_has_at_its_end_is_told(index, tmp_path, caplog):
    two(tmp_path / "a", {"ImageType": WATER}, {"ImageType": FAT})
    (tmp_path / "a" / f"1{index:03d}.dcm").unlink()
    assert read(tmp_path / "a", volume="W").shape == scans.SHAPE
    assert not caplog.messages
    assert read(tmp_path / "a", volume="F").shape[2] == 9
    (note,) = caplog.messages
    place = -scans.place_mm(index)[0]  # The normal runs to the right.
    assert f"(ImageType W) has 10: none at {place:.2f} mm along the normal" in note


def test_half_of_water_and_half_of_fat_is_told(tmp_path, caplog):
    two(tmp_path / "a", {"ImageType": WATER}, {"ImageType": FAT})
    for n in range(10):
        (tmp_path / "a" / f"{int(n < 5)}{n:03d}.dcm").unlink()
    assert read(tmp_path / "a").shape == scans.SHAPE
    (note,) = caplog.messages
    assert re.search(r"differ in ImageType \(.*F.*, .*W.*\); no two lie at one", note)


def test_volumes_whose_images_are_numbered_in_turns(tmp_path):
    def edit(made, index, number):
        made.InstanceNumber = 2 * index + number + 1

    _, second = two(tmp_path / "a", {}, {}, edit)
    assert "volume 2: images from 2, 10 slices" in listing(tmp_path / "a")
    np.testing.assert_array_equal(read(tmp_path / "a", volume=2), second)


def test_one_echo_number_for_two_echo_times_is_told(tmp_path, caplog):
    _, second = two(tmp_path / "a", {"EchoTime": 10}, {"EchoTime": 25.5})
    np.testing.assert_array_equal(read(tmp_path / "a", echo=2), second)
    (note,) = caplog.messages
    assert "EchoNumbers is 1 for the echo times 10, 25.5 ms: echoes are" in note


def test_two_echo_numbers_of_one_echo_time_are_told(tmp_path, caplog):
    two(tmp_path / "a", {"EchoNumbers": 1}, {"EchoNumbers": 2})
    read(tmp_path / "a", echo=2)
    (note,) = caplog.messages
    assert note.endswith("EchoTime is 30 ms for the echoes 1 and 2.")


def test_echoes_that_agree_give_no_note(tmp_path, caplog):
    late = {"EchoNumbers": 2, "EchoTime": 60}
    two(tmp_path / "a", {"EchoNumbers": 1}, late)
    read(tmp_path / "a", echo=2)
    assert not caplog.messages
