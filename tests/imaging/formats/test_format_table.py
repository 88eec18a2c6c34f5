"""A format is one file and one line, and can do what its entry says."""

import dataclasses
import zipfile

import numpy as np
import pytest
from imaging.formats import toy_format
from world import scans

from deepresolve.imaging import format_table, formats
from deepresolve.imaging.file_kind import Kind, Role
from deepresolve.imaging.folders import kinds
from deepresolve.imaging.format_table import Signature
from deepresolve.imaging.formats.choice import Choice, Contents
from deepresolve.imaging.volume import Volume

ARRAY = scans.knee((9, 8, 5)).astype(np.int16)


def _volume():
    return Volume(ARRAY, np.diag([1.0, 1.0, 2.0, 1.0]))


def _meta_image(folder):
    sitk = pytest.importorskip("SimpleITK")
    # SimpleITK's arrays are (k, j, i).
    image = sitk.GetImageFromArray(ARRAY.transpose(2, 1, 0).copy())
    sitk.WriteImage(image, folder / "scan.mha")
    return folder / "scan.mha"


def _toy(folder):
    toy_format.write(folder / "scan.toy", _volume())
    return folder / "scan.toy"


def _dicom(folder):
    scans.dicom_stack(folder / "scan", ARRAY)
    return folder / "scan"


# A sound scan of each format, which its entry is tried on.
SAMPLES = {
    "nifti": lambda folder: scans.nifti(folder / "scan.nii.gz", ARRAY),
    "dicom": _dicom,
    "itk": _meta_image,
    "toy": _toy,
}


@pytest.fixture
def toy(monkeypatch):
    """The one line by which a format is added."""
    monkeypatch.setitem(formats.FORMATS, "toy", "imaging.formats.toy_format")


def check_entry(entry, sample, folder):
    """AssertionError where an entry does not do what the table says of it."""
    check_signature(entry.signature)
    assert entry.titles and all(entry.titles)
    assert (entry.write is None) == (not entry.suffixes), "write needs suffixes"
    assert (entry.contents is None) == (entry.options is None), "options need contents"
    assert not (entry.options and entry.identity), "contents tell the identity"
    assert not (entry.options and entry.acquired), "contents tell how"
    found = formats._find(entry, sample)
    assert found is not None, f"{sample} is not found"
    options = () if entry.options is None else (entry.options(),)
    volume = entry.read(found, *options)
    assert isinstance(volume, Volume) and volume.shape == ARRAY.shape
    if entry.contents:
        told = entry.contents(found, *options)
        assert isinstance(told, Contents) and told.choices
        assert all(isinstance(each, entry.options) for each in told.choices)
        assert len(told.acquired) == len(told.choices)
    if entry.identity:
        assert isinstance(entry.identity(found), frozenset)
    if entry.acquired:
        assert isinstance(entry.acquired(found), formats.Acquired)
    if entry.files_of:
        files = entry.files_of(found)
        assert files and all(file.is_file() for file in files), "files_of: not there"
    stranger = folder / "stranger"
    stranger.write_bytes(b"no scan of anybody's " * 300)
    assert formats._find(entry, stranger) is None, "a stranger is found"
    for suffix in entry.suffixes:
        check_writes(entry, volume, folder / f"written{suffix}", options)


def check_signature(signature):
    assert signature.endings
    for ending, kind in signature.endings.items():
        assert ending.startswith(".") and ending == ending.lower()
        assert kind.role in (Role.SCAN, Role.HEADER)
    assert (not signature.header_endings) == (not signature.voxel_endings)


def check_writes(entry, volume, path, options):
    entry.write(path, volume)
    again = entry.read(formats._find(entry, path), *options)
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.affine, volume.affine)


@pytest.mark.parametrize("name", SAMPLES)
def test_an_entry_does_what_it_says(name, tmp_path, toy):
    entry = dict(zip(formats.FORMATS, format_table.entries(), strict=True))[name]
    sample = SAMPLES[name](tmp_path)
    others = [e for e in format_table.entries() if e is not entry]
    assert [e for e in others if formats._find(e, sample) is not None] == []
    assert formats.find_scans(tmp_path) == [sample]
    assert formats.scan_stem(sample) == "scan"
    check_entry(entry, sample, tmp_path)


def test_every_format_has_a_sample():
    assert formats.FORMATS.keys() | {"toy"} == SAMPLES.keys()


def _changed(**changes):
    return dataclasses.replace(toy_format.FORMAT, **changes)


def _of_signature(**changes):
    signature = dataclasses.replace(toy_format.FORMAT.signature, **changes)
    return _changed(signature=signature)


@pytest.mark.parametrize(
    "entry",
    [
        _changed(titles=()),
        _changed(suffixes=()),
        _changed(write=None),
        _changed(write=lambda path, volume: path.write_bytes(b"TOY1 1 1 1\n\1\1")),
        _changed(contents=None),
        _changed(contents=lambda path, asked: Contents((Choice(),))),
        _changed(options=None),
        _changed(find=lambda path: None),
        _changed(find=lambda path: path),
        _changed(read=lambda path, options: ARRAY),
        _changed(files_of=lambda path: [path.with_suffix(".raw")]),
        _changed(identity=lambda path: frozenset()),
        _changed(acquired=lambda path: formats.Acquired()),
        _of_signature(endings={}),
        _of_signature(endings={".TOY": toy_format.TOY}),
        _of_signature(endings={".toy": Kind(Role.OTHER, "toy")}),
        _of_signature(judge=lambda start, name: None),
        _of_signature(judge=lambda start, name: toy_format.TOY),
        _of_signature(header_endings=(".top",)),
    ],
)
def test_an_entry_that_lacks_what_it_promises_fails(entry, tmp_path):
    check_entry(toy_format.FORMAT, _toy(tmp_path), tmp_path)
    with pytest.raises((AssertionError, TypeError)):
        check_entry(entry, _toy(tmp_path), tmp_path)


def test_a_format_that_is_added_is_read_and_written(tmp_path, toy):
    formats.write(tmp_path / "knee.toy", _volume())
    path = (tmp_path / "knee.toy").rename(tmp_path / "a scan")  # Told by content.
    np.testing.assert_array_equal(formats.read_image(path).array, ARRAY)
    assert formats.scan_files(path) == [path]
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ValueError, match="cut short"):
        formats.read_image(path)


def test_a_format_that_is_added_has_options_of_its_own(tmp_path, toy):
    path = _toy(tmp_path)
    asked = toy_format.ToyOptions(copy=2)
    image = formats.read_image(path, choice=asked)
    np.testing.assert_array_equal(image.array, ARRAY + 20)
    assert formats.contents(path, asked) == Contents((asked,))
    with pytest.raises(ValueError, match=r"scan.toy: a toy file .* leave out --echo=2"):
        formats.read_image(path, choice=Choice(echo=2))
    other = scans.nifti(tmp_path / "scan.nii", ARRAY)
    with pytest.raises(ValueError, match=r"scan.nii: .*copy=2.* of a NIfTI file"):
        formats.read_image(other, choice=asked)


def test_a_format_that_is_added_is_found_in_folders(tmp_path, toy, caplog):
    path = _toy(tmp_path)
    path.rename(tmp_path / "no ending")
    (tmp_path / "empty.toy").touch()
    (tmp_path / "old.toy.gpg").write_bytes(b"\x85\x02\0" * 90)
    found = formats.search(tmp_path)
    assert [(s.path.name, s.kind) for s in found.scans] == [
        ("empty.toy", ""),
        ("no ending", "toy"),
    ]
    summary, note = found.describe()
    assert summary.endswith("3 files: 2 scans (1 toy, 1 that cannot be read)")
    assert "old.toy.gpg is no scan, and old.toy itself is not here" in note
    folder = _dicom(tmp_path)
    _toy(folder)
    with pytest.raises(
        ValueError, match=r"holds DICOM files .* other scans \(scan.toy"
    ):
        formats.find_scans(folder)
    formats.read_image(folder)
    assert "other scans lie among the DICOM files" in caplog.text
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.write(folder / "scan.toy", "scan.toy")
    with pytest.raises(ValueError, match=r"scans other than DICOM \(scan.toy\)"):
        formats.read_image(tmp_path / "packed.zip")


def test_messages_name_a_format_that_is_added(tmp_path, toy, monkeypatch):
    for name in formats.FORMATS.keys() - {"nifti", "dicom", "itk", "toy"}:
        monkeypatch.delitem(formats.FORMATS, name)
    (tmp_path / "text").write_text("no scan")
    with pytest.raises(ValueError, match="no scan here") as told:
        formats.find_scans(tmp_path)
    assert ".zip, .mha, .mhd, .nrrd or .toy files, or folders" in str(told.value)
    with pytest.raises(ValueError, match="neither NIfTI") as told:
        formats.read_image(tmp_path / "text")
    assert "nor DICOM, MetaImage, NRRD or toy, or damaged" in str(told.value)
    offer = ".mha, .mhd or .nrrd, a toy file (.toy), or a folder or zip of DICOM files"
    assert offer in str(told.value)
    with pytest.raises(ValueError, match=r"a toy file ends in \.toy\.$"):
        formats.write(tmp_path / "a.mha", _volume())


def test_a_header_of_a_new_kind_hides_its_voxels(tmp_path, monkeypatch, toy):
    """Of the same name, or named in the header."""
    signature = Signature(
        toy_format.judge,
        {".toy": toy_format.TOY},
        header_endings=(".toy",),
        voxel_endings=(".vox",),
        data_files=lambda start: ["more.bin"],
    )
    monkeypatch.setattr(toy_format, "FORMAT", _changed(signature=signature))
    path = _toy(tmp_path)
    for name in ("scan.vox", "more.bin", "lone.vox"):
        (tmp_path / name).write_bytes(b"\1\0\2" * 99)
    found = formats.search(tmp_path)
    assert [s.path for s in found.scans] == [tmp_path / "lone.vox", path]


def test_kinds_ask_for_as_many_bytes_as_a_format_needs(tmp_path, monkeypatch, toy):
    signature = Signature(
        lambda start, name: toy_format.TOY if start[9000:] == b"end" else None,
        {".toy": toy_format.TOY},
        num_bytes=lambda start: 9003 if start.startswith(b"far") else 0,
    )
    monkeypatch.setattr(toy_format, "FORMAT", _changed(signature=signature))
    (tmp_path / "a").write_bytes(b"far" + bytes(8997) + b"end" + b"more")
    assert kinds.judge_file(tmp_path / "a") == toy_format.TOY
