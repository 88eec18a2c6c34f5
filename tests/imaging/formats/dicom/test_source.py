"""Files, folders and zips of DICOM files."""

import zipfile

import numpy as np
import pytest

from deepresolve.imaging.formats import dicom, limits
from deepresolve.imaging.formats.dicom import source


@pytest.fixture
def zipped_stack(tmp_path, write_stack):
    """A zip of four slices and a file of another kind."""
    folder, _ = write_stack()
    (folder / "readme.txt").write_text("not a scan")

    def write(**options):
        path = tmp_path / "scan.zip"
        with zipfile.ZipFile(path, "w", **options) as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, f"study/{file.name}")
        return path

    return write


def test_files_are_named_below_their_folder_and_sorted(tmp_path, write_stack):
    folder, _ = write_stack(num_slices=2)
    (folder / "notes.txt").write_text("not a scan")
    with source.dicom_files(tmp_path) as files:
        assert list(files) == ["scan/slice0.dcm", "scan/slice1.dcm"]
        with files["scan/slice1.dcm"]() as stream:
            assert stream.read() == (folder / "slice1.dcm").read_bytes()
    with source.dicom_files(folder / "notes.txt") as files:
        assert not files


def test_members_of_a_zip_have_their_names_in_it(zipped_stack):
    with source.dicom_files(zipped_stack()) as files:
        assert list(files) == [f"study/slice{n}.dcm" for n in range(4)]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_zip_reads_as_its_folder(compression, tmp_path, zipped_stack):
    path = zipped_stack(compression=compression)
    assert dicom.matches(path)
    volume, expected = dicom.read(path), dicom.read(tmp_path / "scan")
    np.testing.assert_array_equal(volume.array, expected.array)
    np.testing.assert_array_equal(volume.affine, expected.affine)


def test_nothing_of_a_zip_reaches_the_disk(tmp_path, zipped_stack):
    path = zipped_stack()
    before = sorted(tmp_path.rglob("*"))
    dicom.read(path)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "name",
    [
        *("../slice0.dcm", "scan/../../slice0.dcm", "/home/slice0.dcm"),
        *("C:/slice0.dcm", "..\\slice0.dcm", "\\\\host\\share\\slice0.dcm"),
    ],
)
def test_a_zip_with_a_path_outside_itself_is_refused(name, tmp_path, write_stack):
    folder, _ = write_stack()
    path = tmp_path / "inner" / "scan.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
        # As a hostile program names it; `write` would mend the name.
        archive.writestr(zipfile.ZipInfo(name), (folder / "slice0.dcm").read_bytes())
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match=r"slice0.dcm', a path outside itself"):
        dicom.read(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_that_promises_too_much_is_refused(zipped_stack, monkeypatch):
    path = zipped_stack()
    monkeypatch.setattr(limits, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="the zip unpacks to"):
        dicom.read(path)


def test_an_encrypted_zip_is_refused(zipped_stack):
    path = zipped_stack()
    data = bytearray(path.read_bytes())
    # General purpose flag, bit 0, of the first central directory entry.
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="the zip is encrypted"):
        dicom.read(path)


def test_a_damaged_zip_is_refused(zipped_stack):
    path = zipped_stack()
    data = bytearray(path.read_bytes())
    voxel = data.index(b"\xe0\x7f\x10\x00OW") + 20
    data[voxel] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"scan.zip: the zip cannot be read.*CRC"):
        dicom.read(path)


@pytest.mark.parametrize("num_bytes", [0, 100, 200, 400])
@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_slice_cut_short_is_never_left_out(write_stack, number, num_bytes):
    folder, _ = write_stack(num_slices=4)
    damaged = folder / f"slice{number}.dcm"
    damaged.write_bytes(damaged.read_bytes()[:num_bytes])
    with pytest.raises(ValueError, match=damaged.name):
        dicom.read(folder)
