"""Folders as users have them: n slices give n slices, or the missing ones are named."""

import gzip
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import zipfile

import nibabel as nib
import numpy as np
import pytest
from pydicom import uid
from world import scans, strangers

from deepresolve.imaging import formats
from deepresolve.imaging.file_kind import Role
from deepresolve.imaging.folders import kinds, tree
from deepresolve.system import notes

NUM_SLICES = scans.SHAPE[2]


@pytest.fixture
def folder(tmp_path):
    """A series of ten slices, IM0001.dcm to IM0010.dcm."""
    scans.dicom_stack(tmp_path / "scan")
    return tmp_path / "scan"


def slices_of(path):
    return formats.read_image(path).num_slices


def slices_of_dcm2niix(path):
    return [image.shape[2] for image in strangers.dcm2niix(path)]


def without_preamble(file, *, keep_meta=False):
    """Leaves the data set of a DICOM file, or that and its meta information."""
    raw = file.read_bytes()
    # PS3.10 7.1: preamble and mark, then the length of the meta information.
    length = int.from_bytes(raw[140:144], "little")
    file.write_bytes(raw[132:] if keep_meta else raw[144 + length :])


# Ways to make a slice unreadable. Each leaves something where the slice was.
def dangle(file):
    file.unlink()
    file.symlink_to(f"../annex/{file.name}")


def dangle_in_annex(file):
    file.unlink()
    file.symlink_to("../.git/annex/objects/Xx/9k/MD5E-s3--d4/MD5E-s3--d4")


def link_to_itself(file):
    file.unlink()
    file.symlink_to(file.name)


def write(content):
    def spoil(file):
        file.write_bytes(content)

    return spoil


def cut(num_bytes):
    def spoil(file):
        file.write_bytes(file.read_bytes()[:num_bytes])

    return spoil


def dangle_a_folder(file):
    file.unlink()
    file.symlink_to("/nowhere/at/all", target_is_directory=True)


LINKS = (dangle, dangle_in_annex, link_to_itself, dangle_a_folder)
SPOILERS = {
    "dangling link": dangle,
    "link into an annex": dangle_in_annex,
    "link to itself": link_to_itself,
    "dangling folder": dangle_a_folder,
    "pointer of git-annex": write(b"/annex/objects/SHA256E-s10--ab.dcm\n"),
    "link as text": write(b"../.git/annex/objects/Xx/9k/MD5E-s3--d4/MD5E-s3--d4"),
    "pointer of Git LFS": write(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 12\n"
    ),
    "shortcut of Windows": write(b"\x4c\0\0\0\x01\x14\x02\0" + bytes(100)),
    "empty": write(b""),
    "zeros": write(bytes(5000)),
    "a page of the web": write(b"<!DOCTYPE html><html>Not found</html>"),
    "a text": write(b"404 not found\n"),
    "noise": write(np.random.default_rng(5).bytes(3000)),
    "cut within the preamble": cut(100),
    "cut within the meta information": cut(200),
    "cut within the header": cut(700),
    "cut within the voxels": cut(3000),
}


@pytest.mark.parametrize("name", ["IM{:04d}.dcm", "I{:04d}", "1.2.840.{}.7"])
@pytest.mark.parametrize("way", SPOILERS)
def test_a_slice_that_cannot_be_read_is_named(way, name, tmp_path):
    folder = tmp_path / "scan"
    scans.dicom_stack(folder, name=name)
    last = folder / name.format(NUM_SLICES)
    SPOILERS[way](last)
    with pytest.raises(ValueError, match=re.escape(last.name)):
        slices_of(folder)
    # A search goes on: the scan is one, and its own error.
    assert formats.find_scans(tmp_path) == [folder]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("IM0010.dcm.part", "unfinished download"),
        ("IM0010.dcm.dvc", "`dvc pull`"),
        (".IM0010.dcm.icloud", "iCloud"),
        ("IM0010.dcm.lnk", "shortcut"),
        ("IM0010.dcm.gz", "gunzip"),
    ],
)
def test_what_stands_for_a_slice_is_told(name, word, folder):
    content = {"dvc": b"outs:", "lnk": b"\x4c\0\0\0\x01\x14\x02\0"}
    last = folder / "IM0010.dcm"
    packed = gzip.compress(last.read_bytes())
    (folder / name).write_bytes(content.get(name[-3:], packed))
    last.unlink()
    with pytest.raises(ValueError, match=rf"IM0010\.dcm.* is .*{word}"):
        slices_of(folder)


@pytest.mark.parametrize(
    "more", [".gpg", ".enc", ".xz", ".bz2", ".bak", ".tmp", "~", ".old", ".0", ".url"]
)
@pytest.mark.parametrize("content", [b"", b"text", bytes(range(256)) * 9])
def test_more_behind_the_name_of_a_slice_that_is_not_here(more, content, folder):
    (folder / "IM0010.dcm").unlink()
    (folder / f"IM0010.dcm{more}").write_bytes(content)
    with pytest.raises(ValueError, match=r"may be slices cannot.*\n *IM0010\.dcm."):
        slices_of(folder)


def test_more_behind_the_name_of_a_slice_without_an_ending(tmp_path):
    scans.dicom_stack(tmp_path, name="I{:04d}")
    (tmp_path / "I0010").unlink()
    (tmp_path / "I0010.gpg").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(ValueError, match=r"I0010\.gpg is no DICOM, and I0010 itself"):
        slices_of(tmp_path)


@pytest.mark.parametrize("name", ["IM0010.dcm~", "IM0010.dcm.gpg", "IM0011.dcm.json"])
def test_what_lies_beside_a_slice_that_is_here_is_no_matter(name, folder):
    (folder / name).write_bytes(b"\x85\x01\x0c\0" * 99)
    with notes.collected() as told:
        assert slices_of(folder) == NUM_SLICES
    assert not told


def test_more_behind_the_name_of_a_scan_that_is_not_here_is_told(tmp_path):
    scans.nifti(tmp_path / "a.nii.gz")
    for name in ("a.nii.gz~", "b.nii.gz.gpg", "c.nii.json"):
        (tmp_path / name).write_bytes(b"\x85\x01\x0c\0" * 99)
    found = formats.search(tmp_path)
    assert found.paths == [tmp_path / "a.nii.gz"]
    (note,) = found.beside.notes
    assert "b.nii.gz.gpg is no scan, and b.nii.gz itself is not here" in note


def test_a_folder_of_packed_slices_is_one_bad_scan(folder, tmp_path):
    for file in folder.iterdir():
        file.rename(f"{file}.gpg").write_bytes(b"\x85\x01\x0c\0" * 99)
    assert formats.find_scans(tmp_path) == [folder]
    with pytest.raises(ValueError, match=r"IM0010\.dcm\.gpg is no DICOM"):
        slices_of(folder)


@pytest.mark.parametrize("name", ["._IM0010.dcm", ".DS_Store", "Thumbs.db"])
def test_a_slice_named_as_what_systems_leave_behind_is_told(name, folder):
    (folder / "IM0010.dcm").rename(folder / name)
    (folder / "._IM0009.dcm").write_bytes(b"\0\5\x16\7" + bytes(100))
    with notes.collected() as told:
        assert slices_of(folder) == NUM_SLICES - 1
    (note,) = told
    assert f"{name} is named as what systems leave behind, and holds a slice" in note


def test_an_empty_folder_in_place_of_a_slice_is_named(folder):
    (folder / "IM0010.dcm").unlink()
    (folder / "IM0010.dcm").mkdir()
    with pytest.raises(ValueError, match=r"IM0010\.dcm .* is a folder without a file"):
        slices_of(folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("is_alike", [False, True])
def test_two_files_of_one_name_in_a_zip(is_alike, folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as made:
        for file in sorted(folder.iterdir()):
            made.write(file, file.name)
        again = "IM0010.dcm" if is_alike else "IM0009.dcm"
        made.writestr("IM0010.dcm", (folder / again).read_bytes())
    if is_alike:
        assert slices_of(tmp_path / "scan.zip") == NUM_SLICES
    else:
        with pytest.raises(ValueError, match=r"'IM0010\.dcm' twice, with other"):
            slices_of(tmp_path / "scan.zip")


def test_a_hidden_slice_is_told(folder):
    (folder / "IM0010.dcm").rename(folder / ".IM0010.dcm")
    with notes.collected() as told:
        assert slices_of(folder) == NUM_SLICES - 1
    assert told == [
        f"{folder}: passed over: .IM0010.dcm is a hidden file that holds a slice."
    ]


def test_slices_in_a_hidden_folder_are_told(folder):
    for name in (".rest", ".git"):
        (folder / name).mkdir()
        shutil.copy(folder / "IM0010.dcm", folder / name)
    (folder / "IM0010.dcm").unlink()
    with notes.collected() as told:
        assert slices_of(folder) == NUM_SLICES - 1
    (note,) = told
    assert "passed over: .rest/IM0010.dcm is a hidden file that holds a slice" in note


def test_every_missing_slice_is_named(folder):
    for number in (8, 9, 10):
        dangle(folder / f"IM{number:04d}.dcm")
    with pytest.raises(ValueError, match="may be slices cannot be read") as caught:
        slices_of(folder)
    for number in (8, 9, 10):
        assert f"IM{number:04d}.dcm is a link to ../annex" in str(caught.value)
    (line,) = formats.search(folder).describe()
    assert line == f"{folder}/: 10 files became 7 slices; 3 cannot be read"


def test_how_content_is_fetched_is_told(folder):
    dangle_in_annex(folder / "IM0002.dcm")
    SPOILERS["pointer of Git LFS"](folder / "IM0003.dcm")
    with pytest.raises(ValueError, match=r"IM0002.dcm is .*`git annex get`") as caught:
        slices_of(folder)
    assert "IM0003.dcm is a pointer of Git LFS" in str(caught.value)


def test_a_series_of_which_nothing_is_there_is_one_bad_scan(folder):
    for file in folder.iterdir():
        dangle(file)
    assert formats.find_scans(folder.parent) == [folder]
    with pytest.raises(ValueError, match=r"IM0010.dcm is a link to"):
        slices_of(folder)


def test_a_folder_that_may_not_be_read_is_named(folder, monkeypatch):
    (folder / "more").mkdir()
    scandir = os.scandir

    def refuse(path):
        if pathlib.Path(path).name == "more":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ValueError, match=r"more is a folder that cannot be read"):
        slices_of(folder)


def test_a_file_that_may_not_be_read_is_the_error_of_its_scan(
    folder, tmp_path, monkeypatch
):
    scans.nifti(tmp_path / "b.nii.gz")
    shut = (folder / "IM0004.dcm", tmp_path / "b.nii.gz")
    open_file = pathlib.Path.open

    def refuse(path, *options, **named):
        if path in shut:
            raise PermissionError(13, "Permission denied", str(path))
        return open_file(path, *options, **named)

    monkeypatch.setattr(pathlib.Path, "open", refuse)
    assert formats.find_scans(tmp_path) == [tmp_path / "b.nii.gz", folder]
    for path, name in ((folder, "IM0004.dcm"), (shut[1], "b.nii.gz")):
        with pytest.raises(ValueError, match=rf"{name}.*\(Permission denied\)"):
            formats.read_image(path)


def test_a_linked_folder_belongs_to_its_scan(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for number in range(6, 11):
        file = folder / f"IM{number:04d}.dcm"
        file.rename(tmp_path / "elsewhere" / file.name)
    (folder / "more").symlink_to("../elsewhere")
    assert slices_of(folder) == NUM_SLICES
    assert slices_of_dcm2niix(folder) == [NUM_SLICES]


def test_links_are_followed_once(folder, tmp_path):
    expected = formats.read_image(folder).array
    scan = tmp_path / "study" / "scan"
    (scan / "deep").mkdir(parents=True)
    for file in sorted(folder.iterdir()):
        (scan / file.name).symlink_to(file)
    (scan / "IM0003_again.dcm").symlink_to("IM0003.dcm")
    (scan / "up").symlink_to("..")
    (scan / "deep" / "root").symlink_to("/")
    (scan / "deep" / "here").symlink_to(".")
    (scan / "twin").symlink_to("deep")
    np.testing.assert_array_equal(formats.read_image(scan).array, expected)
    (line,) = formats.search(scan).describe()
    assert line.startswith(f"{scan}/: 10 files became 10 slices; 5 links to what is")


def test_two_folders_that_lead_to_each_other_end(tmp_path):
    for name, other in (("a", "b"), ("b", "a")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "other").symlink_to(f"../{other}")
        scans.nifti(tmp_path / name / f"{name}.nii")
    for root in (tmp_path, tmp_path / "a"):
        names = [path.name for path in formats.find_scans(root)]
        assert names == ["a.nii", "b.nii"]


@pytest.mark.parametrize("syntax", ["explicit", "implicit", "big"])
@pytest.mark.parametrize("keep_meta", [False, True])
@pytest.mark.parametrize("first", [0, 8])
def test_dicom_needs_no_preamble(first, keep_meta, syntax, tmp_path):
    kind = {
        "explicit": uid.ExplicitVRLittleEndian,
        "implicit": uid.ImplicitVRLittleEndian,
        "big": uid.ExplicitVRBigEndian,
    }[syntax]
    array = scans.knee().astype(np.uint16)
    for index in range(NUM_SLICES):
        pixels = array[:, :, index].T
        made = scans.dicom_slice(pixels, index)
        if syntax == "big":
            made.PixelData = pixels.astype(">u2").tobytes()
        file = scans.save_dicom(made, tmp_path / "scan" / f"I{index:04d}", kind)
        if index >= first:
            without_preamble(file, keep_meta=keep_meta)
    volume = formats.read_image(tmp_path / "scan")
    np.testing.assert_array_equal(volume.array, array)
    assert formats.find_scans(tmp_path) == [tmp_path / "scan"]
    if syntax == "explicit" and not keep_meta:
        assert slices_of_dcm2niix(tmp_path / "scan") == [NUM_SLICES]


@pytest.mark.parametrize(
    "content",
    [
        b"A text of some length, which is no scan at all. " * 100,
        b"\x08\0" * 2000,
        b"\x08\0\x05\0CS" + b"\xff" * 200,
        b"\x08\0\x05\0\x02\0\0\0ab" + bytes(4000),
        b"{}",
        np.random.default_rng(1).bytes(4096),
        b"\x02\0" + np.random.default_rng(2).bytes(4096),
        b"\x08\0\x08\0" + np.random.default_rng(3).bytes(4096),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_nothing_else_is_taken_for_dicom(content, tmp_path):
    (tmp_path / "a").write_bytes(content)
    kind = kinds.judge_file(tmp_path / "a")
    assert kind.role not in (Role.SLICE, Role.OBJECT)


def test_an_index_is_told_by_its_bytes(folder, tmp_path):
    disc = tmp_path / "disc"
    disc.mkdir()
    folder.rename(disc / "dicom")
    scans.dicomdir(disc / "dicomdir")
    assert formats.find_scans(disc) == [disc / "dicom"]
    assert formats.search(disc).describe() == [
        f"{disc}/: 11 files: 1 scan (1 DICOM series of 10 slices); also 1 DICOMDIR"
    ]
    # Wherever it lies, and whatever it is called.
    (disc / "dicomdir").rename(disc / "dicom" / "index.dcm")
    assert slices_of(disc / "dicom") == NUM_SLICES
    with pytest.raises(ValueError, match="the index of a disc"):
        formats.read_image(disc / "dicom" / "index.dcm")


@pytest.mark.parametrize("index", ["DICOMDIR", "dicomdir"])
@pytest.mark.parametrize("name", ["IM{}", "im{};1", "IM{}.dcm"])
def test_what_an_index_lists_and_is_not_here_is_told(index, name, tmp_path):
    scans.dicom_stack(tmp_path / "SE1", name=name)
    here = [f"SE1/IM{n}" for n in range(1, 11)]
    not_copied = [f"SE2/IM{n}" for n in range(1, 11)]
    scans.dicomdir(tmp_path / index, [here, not_copied])
    with notes.collected() as told:
        assert slices_of(tmp_path) == NUM_SLICES
    assert not told
    assert not formats.search(tmp_path).beside.notes
    (tmp_path / "SE1" / name.format(10)).unlink()
    with notes.collected() as told:
        assert slices_of(tmp_path) == NUM_SLICES - 1
    assert told == [
        f"{tmp_path}: {index} lists 10 images of the series that are here, and 1 of "
        "them are not: SE1/IM10. Copy the disc again."
    ]
    assert formats.search(tmp_path).beside.notes == told


def test_a_slice_named_as_an_index_is_one(folder):
    (folder / "IM0010.dcm").rename(folder / "DICOMDIR")
    assert slices_of(folder) == NUM_SLICES


def test_what_lies_beside_slices_is_counted(folder):
    scans.dicomdir(folder / "DICOMDIR")
    scans.dicom_report(folder / "report.dcm")
    for name in ("notes.txt", "scan.json", ".hidden", ".DS_Store", "Thumbs.db"):
        (folder / name).write_text("no scan")
    with notes.collected() as told:
        assert slices_of(folder) == NUM_SLICES
    assert told == []
    assert formats.search(folder).describe() == [
        f"{folder}/: 14 files became 10 slices; 4 others: DICOMDIR, notes.txt, "
        "report.dcm (structured report), scan.json; 1 hidden"
    ]


@pytest.mark.parametrize("make", ["fifo", "socket"])
def test_pipes_and_sockets_are_never_opened(make, folder, monkeypatch):
    path = folder / "pipe"
    if make == "fifo":
        os.mkfifo(path)
    else:
        with socket.socket(socket.AF_UNIX) as made:
            monkeypatch.chdir(folder)  # Names of sockets are short.
            made.bind("pipe")
    with notes.collected() as told:
        assert slices_of(folder) == NUM_SLICES
    assert len(told) == 1
    assert "pipe is a " in told[0]
    with pytest.raises(ValueError, match="which is not opened"):
        formats.read_image(path)


def halve(folder):
    """Moves the slices of a series into two folders below it."""
    for number, file in enumerate(sorted(folder.iterdir())):
        half = folder / ("a" if number < 5 else "b/deep")
        half.mkdir(parents=True, exist_ok=True)
        file.rename(half / file.name)


def test_a_series_in_two_folders_is_one_scan(folder, tmp_path):
    scans.dicom_stack(tmp_path / "other", series=2)
    expected = formats.read_image(folder).array
    halve(folder)
    assert formats.find_scans(tmp_path) == [tmp_path / "other", folder]
    np.testing.assert_array_equal(formats.read_image(folder).array, expected)
    assert formats.search(folder).describe() == [
        f"{folder}/: 10 files became 10 slices"
    ]
    shutil.move(tmp_path / "other", folder / "c")
    with pytest.raises(ValueError, match=r"scan: a, b/deep hold slices of one series"):
        formats.find_scans(tmp_path)


def test_half_a_series_is_no_scan_where_the_other_half_is_not_whole(folder, tmp_path):
    (tmp_path / "scan" / "b").mkdir()
    (tmp_path / "scan" / "a").mkdir()
    for number in range(1, NUM_SLICES + 1):
        file = folder / f"IM{number:04d}.dcm"
        file.rename(folder / ("a" if number < 6 else "b") / file.name)
    (folder / "b" / "IM0010.dcm").write_bytes(b"")
    found = formats.search(tmp_path)
    assert found.paths == [folder]
    assert "1 scan (1 that cannot be read)" in found.describe()[0]
    with pytest.raises(ValueError, match=r"b/IM0010\.dcm is empty"):
        slices_of(folder)


@pytest.mark.parametrize("kind", ["one frame a file", "two files", "overlapping"])
def test_halves_of_any_kind_are_one_scan(kind, tmp_path):
    array = scans.knee().astype(np.uint16)
    frames = [scans.frame_of(array[:, :, n].T, n) for n in range(NUM_SLICES)]
    if kind == "overlapping":
        array = scans.dicom_stack(tmp_path / "scan" / "a")
        (tmp_path / "scan" / "b").mkdir()
        for number in range(5, NUM_SLICES + 1):
            file = tmp_path / "scan" / "a" / f"IM{number:04d}.dcm"
            (shutil.copy if number == 5 else shutil.move)(file, file.parents[1] / "b")
    length = 1 if kind == "one frame a file" else 5
    for start in range(0, NUM_SLICES if kind != "overlapping" else 0, length):
        path = tmp_path / "scan" / ("a" if start < 5 else "b") / f"IM{start}"
        own = {"SOPInstanceUID": f"{scans.UID_ROOT}7.{start}"}
        scans.save_enhanced(path, frames[start : start + length], **own)
    assert formats.find_scans(tmp_path) == [tmp_path / "scan"]
    volume = formats.read_image(tmp_path / "scan")
    np.testing.assert_array_equal(volume.array, array)


def test_two_copies_of_a_series_are_two_scans(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    assert formats.find_scans(tmp_path) == [tmp_path / "copy", folder]


def test_two_scans_of_the_same_uids_are_two_scans(folder, tmp_path):
    def aside(made, index):
        made.ImagePositionPatient = list(np.add(scans.place_mm(index), (0, 5, 0)))

    scans.dicom_stack(tmp_path / "thin", edit=aside)
    assert formats.find_scans(tmp_path) == [folder, tmp_path / "thin"]


def zipped(path, source, prefix="knee/", sep="/"):
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted(source.iterdir()):
            name = f"{prefix}{file.name}".replace("/", sep)
            info = zipfile.ZipInfo(name)
            info.filename = name
            packed.writestr(info, file.read_bytes())
    return path


def test_a_zip_of_a_mac_and_one_of_windows(folder, tmp_path):
    expected = formats.read_image(folder).array
    mac = zipped(tmp_path / "mac.zip", folder)
    with zipfile.ZipFile(mac, "a") as packed:
        for file in folder.iterdir():
            name = f"__MACOSX/knee/._{file.name}"
            packed.writestr(name, b"\0\5\26\7" + bytes(100))
    windows = zipped(tmp_path / "windows.zip", folder, "knee/a/", sep="\\")
    with zipfile.ZipFile(windows, "a") as packed:
        packed.writestr("__MACOSX\\._IM0001.dcm", b"\0\5\26\7")
        packed.writestr("knee\\empty\\", b"")
    for path in (mac, windows):
        np.testing.assert_array_equal(formats.read_image(path).array, expected)
        assert formats.search(path).describe() == [f"{path}: 10 files became 10 slices"]


def test_letters_of_old_zips(folder, tmp_path):
    path = zipped(tmp_path / "scan.zip", folder, "Knie_links_/")
    raw = path.read_bytes().replace(b"Knie_links_", b"Knie_m\x81de\xe9 ")
    path.write_bytes(raw)
    assert slices_of(path) == NUM_SLICES


def test_links_in_a_zip_are_no_slices(folder, tmp_path):
    path = zipped(tmp_path / "scan.zip", folder)
    with zipfile.ZipFile(path, "a") as packed:
        for name, target in (("again", "knee/IM0001.dcm"), ("IM0011.dcm", "../x")):
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o120777 << 16
            packed.writestr(info, target)
    with pytest.raises(ValueError, match=r"IM0011.dcm is a link to ../x") as caught:
        slices_of(path)
    assert "again" not in str(caught.value)


def test_slices_in_a_zip_within_the_folder_are_told(folder, tmp_path):
    half = tmp_path / "half"
    half.mkdir()
    for number in range(6, 11):
        file = folder / f"IM{number:04d}.dcm"
        file.rename(half / file.name)
    zipped(folder / "rest.zip", half)
    with pytest.raises(ValueError, match=r"rest\.zip is a zip that may hold slices"):
        slices_of(folder)
    with pytest.raises(ValueError, match=r"other scans \(rest\.zip\)"):
        formats.find_scans(folder)


def test_a_zip_of_other_scans_is_told(tmp_path):
    (tmp_path / "scans").mkdir()
    scans.nifti(tmp_path / "scans" / "k.nii.gz")
    path = zipped(tmp_path / "k.zip", tmp_path / "scans")
    with pytest.raises(ValueError, match=r"other than DICOM \(knee/k.nii.gz\)"):
        formats.read_image(path)


def test_a_scan_that_is_not_there_is_a_bad_one_of_many(tmp_path):
    root = tmp_path / "scans"
    for number in range(5):
        scans.nifti(root / f"k{number}.nii.gz")
    dangle(root / "k4.nii.gz")
    SPOILERS["pointer of Git LFS"](root / "k3.nii.gz")
    (root / "k0.json").write_text("{}")
    (root / "README").symlink_to("../annex/README")
    found = formats.search(root)
    assert [path.name for path in found.paths] == [f"k{n}.nii.gz" for n in range(5)]
    line, note = found.describe()
    assert line == (
        f"{root}/: 7 files: 5 scans (3 NIfTI, 2 that cannot be read); also 1 .json"
    )
    assert note.startswith(f"note: {root / 'README'} is a link to ../annex/README")
    for number, why in ((3, "pointer of Git LFS"), (4, "link to")):
        with pytest.raises(ValueError, match=rf"k{number}.nii.gz is a {why}"):
            formats.read_image(found.paths[number])


@pytest.mark.parametrize(
    "name", ["scan", "scan.img", "scan.gz", "scan.dat", "scan.NII.GZ"]
)
def test_a_nifti_file_may_have_any_name(name, tmp_path):
    made = scans.nifti(tmp_path / ("a.nii.gz" if "gz" in name.lower() else "a.nii"))
    made.rename(tmp_path / name)
    assert formats.find_scans(tmp_path) == [tmp_path / name]
    assert slices_of(tmp_path / name) == NUM_SLICES


@pytest.mark.parametrize("packed", ["", ".gz"])
def test_a_pair_is_one_scan(packed, tmp_path):
    image = nib.Nifti1Pair(scans.knee().astype(np.int16), scans.AFFINE)
    image.to_filename(tmp_path / f"k.img{packed}")
    header, voxels = tmp_path / f"k.hdr{packed}", tmp_path / f"k.img{packed}"
    assert formats.find_scans(tmp_path) == [header]
    assert formats.scan_files(header) == [header, voxels]
    assert slices_of(header) == slices_of(voxels) == NUM_SLICES
    assert formats.scan_stem(header) == "k"
    for file, other in ((header, voxels), (voxels, header)):
        content = file.read_bytes()
        file.unlink()
        assert formats.find_scans(tmp_path) == [other]
        with pytest.raises(ValueError, match=rf"{other.name}.*(\.hdr|\.img)"):
            formats.read_image(other)
        file.write_bytes(content)


def test_a_header_of_another_kind_is_told(tmp_path):
    scans.nifti(tmp_path / "a.nii")
    (tmp_path / "k.hdr").write_text("ENVI\nsamples = 4\n")
    (tmp_path / "k.img").write_bytes(np.arange(500, dtype="<i2").tobytes())
    (tmp_path / "mc.par").write_text("0.1 0.2 0.3\n")  # FSL's, of motion
    assert [p.name for p in formats.find_scans(tmp_path)] == ["a.nii", "k.img"]
    with pytest.raises(ValueError, match=r"k.img: .*header, .*of another kind"):
        formats.read_image(tmp_path / "k.img")


def test_the_voxels_of_a_header_are_no_stray_file(tmp_path):
    import SimpleITK

    image = SimpleITK.GetImageFromArray(scans.knee().astype(np.int16))
    for name in ("a.mhd", "b.nhdr"):
        SimpleITK.WriteImage(image, tmp_path / name)
    found = formats.search(tmp_path)
    assert [path.name for path in found.paths] == ["a.mhd", "b.nhdr"]
    assert "also" not in found.describe()[0]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("k.mgz", b"\x1f\x8b", "mri_convert"),
        ("k.mnc", b"CDF\1", "mnc2nii"),
        ("k.PAR", b"# === DATA DESCRIPTION FILE ===", "dcm2niix"),
        ("k.fdf", b"#!/usr/local/fdf/startup\n", "fdf2nifti"),
        ("k+orig.HEAD", b"type = integer", "3dAFNItoNIFTI"),
        ("2dseq", b"\1\2", "BrkRaw"),
        ("k.nii.xz", b"\xfd7zXZ\0", "unpack"),
        ("k.tar.gz", b"\x1f\x8b", "unpack"),
        ("k.7z", b"7z\xbc\xaf\x27\x1c", "unpack"),
    ],
)
def test_kinds_that_are_not_read_are_told(name, content, word, tmp_path):
    scans.nifti(tmp_path / "a.nii")
    (tmp_path / name).write_bytes(content)
    assert tmp_path / name in formats.find_scans(tmp_path)
    with pytest.raises(ValueError, match=rf"is not read; .*{word}"):
        formats.read_image(tmp_path / name)
    # Where a scan has the same name it is the same one, converted.
    scans.nifti(tmp_path / f"{name.partition('.')[0]}.nii")
    found = formats.search(tmp_path)
    assert tmp_path / name not in found.paths
    assert name in found.describe()[1]


NAMES = (
    *("knee 1.5T v2.final", "knee[1]", "50%_links", "Knie_\u00fc\u5de6", "*", "a?b"),
    *("back\\slash", "quote'\"", "new\nline"),
    os.fsdecode(b"latin_\xe9"),
)


@pytest.mark.parametrize("name", NAMES)
def test_names_may_hold_any_sign(name, tmp_path):
    root = tmp_path / f"of {name}"
    scans.dicom_stack(root / name)
    scans.nifti(root / f"x{name}.nii.gz")
    assert {path.name for path in formats.find_scans(root)} == {
        name,
        f"x{name}.nii.gz",
    }
    for path in formats.find_scans(root):
        assert slices_of(path) == NUM_SLICES
        assert len(formats.sha256(path)) == 64


def test_the_walk_needs_no_numpy():
    script = (
        "import sys, deepresolve.imaging.folders.slices, "
        "deepresolve.imaging.folders.summary\n"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'tensorflow')))"
    )
    root = pathlib.Path(tree.__file__).parents[3]
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True)
