import contextlib
import errno
import pathlib
import subprocess
import sys

import pytest

from deepresolve.system import files, storage


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
    refused = pytest.raises(OSError, match=r"write .*scan\.nii \(File too large\)")
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


def test_leftovers_of_killed_processes_are_deleted(tmp_path):
    wanted = tmp_path / "a.nii.gz"
    number = "0123456789abcdef" * 2
    for name in (f".a.nii.gz.{number}.tmp", f"a.nii.gz.{number}.tmp"):
        (tmp_path / name).write_bytes(b"half")
    kept = [f".b.nii.gz.{number}.tmp", ".a.nii.gz.tmp", f"a.nii.gz.{number}"]
    for name in kept:
        (tmp_path / name).write_bytes(b"not ours")
    files.remove_leftovers([wanted, tmp_path / "new" / "c.nii"])
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(kept)


def test_what_another_process_is_writing_is_no_leftover(tmp_path):
    script = (
        "import pathlib, sys; from deepresolve.system import files\n"
        "with files.replacing(pathlib.Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    print(flush=True), input()\n"
    )
    path = tmp_path / "a.nii"
    command = [sys.executable, "-c", script, path]
    root = pathlib.Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, cwd=root) as other:
        other.stdout.readline()
        files.remove_leftovers([path])
        other.communicate("go on\n")
    assert other.returncode == 0
    assert [p.name for p in tmp_path.iterdir()] == ["a.nii"]
    # What a killed one leaves is.
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True, cwd=root) as other:
        other.stdout.readline()
        other.kill()
    assert len(list(tmp_path.iterdir())) == 2
    files.remove_leftovers([path])
    assert [p.name for p in tmp_path.iterdir()] == ["a.nii"]


def test_what_replacing_leaves_is_a_leftover(tmp_path):
    path = tmp_path / "a.nii"
    for module, target in ((files, path), (storage, str(path))):
        with module.replacing(target) as temporary:
            left = pathlib.Path(temporary).name
            (tmp_path / "new").mkdir(exist_ok=True)
            (tmp_path / "new" / left).write_bytes(b"half")
            pathlib.Path(temporary).write_bytes(b"whole")
        assert len(list((tmp_path / "new").iterdir())) == 1
        files.remove_leftovers([tmp_path / "new" / "a.nii"])
        assert list((tmp_path / "new").iterdir()) == []


def test_a_folder_is_whole_or_absent(tmp_path):
    target = tmp_path / "new" / "out"
    with pytest.raises(KeyError), files.replacing_folder(target) as partial:
        (partial / "a").write_text("half")
        assert not target.exists()
        raise KeyError
    assert list((tmp_path / "new").iterdir()) == []
    with files.replacing_folder(target) as partial:
        (partial / "a").write_text("whole")
    assert (target / "a").read_text() == "whole"
    assert list((tmp_path / "new").iterdir()) == [target]


def test_a_folder_that_is_there_stays_but_for_an_empty_one(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    with files.replacing_folder(target) as partial:
        (partial / "a").touch()
    with (
        pytest.raises(FileExistsError, match="out exists already"),
        files.replacing_folder(target),
    ):
        pass
    assert [path.name for path in target.iterdir()] == ["a"]
    with pytest.raises(FileExistsError), files.replacing_folder(target / "a"):
        pass


def test_half_written_folders_are_leftovers_too(tmp_path):
    left = tmp_path / f".out.{'0123456789abcdef' * 2}.tmp"
    left.mkdir()
    (left / "a.dcm").write_bytes(b"half")
    files.remove_leftovers([tmp_path / "out"])
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_folders_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / "study"
    with files.replacing_folder(path) as temporary:
        (temporary / "images").mkdir()
        (temporary / "images" / "a").write_bytes(b"a")
        assert not path.exists()
    assert (path / "images" / "a").read_bytes() == b"a"
    assert list(tmp_path.iterdir()) == [path]
