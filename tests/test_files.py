import contextlib
import errno

import pytest

from deepresolve import files


def test_a_folder_that_can_be_made_passes_and_is_not_made(tmp_path):
    files.check_folder(tmp_path)
    files.check_folder(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_folder_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises(OSError, match=r"Cannot write files into .*file.* \("):
            files.check_folder(path)


def test_a_folder_that_takes_no_files_is_told(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files.tempfile, "TemporaryFile", refuse)
    with pytest.raises(OSError, match=r"folder .* \(Permission denied\)\. Name"):
        files.check_folder(tmp_path)


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "scan.nii"
    with files.replacing(path) as temporary:
        temporary.write_bytes(b"new")
        assert not path.exists()
        assert temporary.name.startswith(".scan.nii.")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "scan.nii"
    path.write_bytes(b"old")
    with pytest.raises(error), files.replacing(path) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path, full_disk):
    path = tmp_path / "scan.nii"
    path.write_bytes(b"old")
    refused = pytest.raises(OSError, match="File too large")
    with refused, full_disk(4096), files.replacing(path) as temporary:
        temporary.write_bytes(bytes(100_000))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_files_of_one_stack_change_together(tmp_path):
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(b"old")
    with pytest.raises(ValueError), contextlib.ExitStack() as stack:
        for path in paths:
            stack.enter_context(files.replacing(path)).write_bytes(b"new")
        raise ValueError
    assert [path.read_bytes() for path in paths] == [b"old", b"old"]
