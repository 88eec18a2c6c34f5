"""Files are whole or absent."""

import hashlib

import pytest
import tensorflow as tf

from deepresolve.system import storage


def test_a_file_is_written_read_and_hashed(tmp_path):
    path = str(tmp_path / "file")
    content = bytes(range(256)) * 10000
    storage.write(path, content)
    assert storage.read(path) == content
    assert storage.num_bytes(path) == len(content)
    assert storage.sha256(path) == hashlib.sha256(content).hexdigest()
    assert storage.list_files(str(tmp_path)) == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(error), storage.replacing(str(path)) as temporary:
        with tf.io.gfile.GFile(temporary, "wb") as file:
            file.write(b"new")
        raise error
    assert storage.list_files(str(tmp_path)) == ["file"]
    assert path.read_bytes() == b"old"


def test_the_first_error_is_told_where_cleaning_up_fails_too(tmp_path, monkeypatch):
    def fail(path):
        raise tf.errors.PermissionDeniedError(None, None, path)

    monkeypatch.setattr(tf.io.gfile, "remove", fail)
    with (
        pytest.raises(ValueError, match="the scan is damaged"),
        storage.replacing(str(tmp_path / "file")),
    ):
        raise ValueError("the scan is damaged")


def test_two_writers_of_one_file_do_not_share_a_temporary(tmp_path):
    path = str(tmp_path / "file")
    with storage.replacing(path) as first, storage.replacing(path) as second:
        for temporary, content in ((first, "first"), (second, "second")):
            with tf.io.gfile.GFile(temporary, "w") as file:
                file.write(content)
    # The outer one ends last.
    assert storage.read(path) == b"first"
    assert storage.list_files(str(tmp_path)) == ["file"]


@pytest.mark.parametrize("function", [storage.read, storage.sha256, storage.num_bytes])
def test_a_file_that_cannot_be_read_is_an_os_error(tmp_path, function):
    with pytest.raises(OSError, match=r"Could not read .*/absent: "):
        function(str(tmp_path / "absent"))


def test_what_cannot_be_listed_or_deleted_is_an_os_error(tmp_path, monkeypatch):
    def fail(path):
        raise tf.errors.PermissionDeniedError(None, None, "not yours")

    monkeypatch.setattr(tf.io.gfile, "listdir", fail)
    monkeypatch.setattr(tf.io.gfile, "remove", fail)
    with pytest.raises(OSError, match=r"Could not list .*: not yours"):
        storage.list_files(str(tmp_path))
    with pytest.raises(OSError, match=r"Could not delete .*: not yours"):
        storage.remove(str(tmp_path / "file"))


def test_a_part_of_a_file_is_read(tmp_path):
    path = str(tmp_path / "file")
    storage.write(path, b"0123456789")
    assert storage.read_part(path, 3, 4) == b"3456"
    with pytest.raises(OSError, match="Could not read"):
        storage.read_part(path + "s", 3, 4)


def test_a_folder_is_deleted_with_what_it_holds(tmp_path):
    storage.remove_folder(str(tmp_path / "missing"))
    storage.make_folder(str(tmp_path / "a" / "b"))
    storage.write(str(tmp_path / "a" / "b" / "file"), b"content")
    storage.remove_folder(str(tmp_path / "a"))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path, full_disk):
    refused = pytest.raises(OSError, match=r"Could not write .*file.*disk full")
    with refused, full_disk(4096):
        storage.write(str(tmp_path / "file"), bytes(100_000))
    assert storage.list_files(str(tmp_path)) == []


def test_a_full_disk_stops_a_tfrecord(tmp_path, full_disk):
    path = str(tmp_path / "file")
    with (
        pytest.raises(OSError, match=r"Could not write .*file.*disk full"),
        full_disk(4096),
        storage.replacing(path) as temporary,
        tf.io.TFRecordWriter(temporary) as writer,
    ):
        writer.write(bytes(100_000))
    assert storage.list_files(str(tmp_path)) == []


def test_remote_paths_work_as_local_ones():
    # TensorFlow's in-memory file system stands for gs:// and s3://.
    storage.make_folder("ram://folder")
    path = storage.join("ram://folder", "file")
    storage.write(path, b"content")
    assert storage.read(path) == b"content"
    assert storage.list_files("ram://folder") == ["file"]
    storage.remove(path)
    storage.remove(path)
    assert storage.list_files("ram://folder") == []


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OSError, match="Could not make the folder"):
        storage.make_folder(str(tmp_path / "file" / "folder"))


def test_a_folder_takes_its_name_when_it_is_complete(tmp_path):
    path = tmp_path / "new"
    with storage.new_folder(str(path)) as partial:
        storage.write(storage.join(partial, "file"), b"new")
        assert not path.exists()
    assert storage.read(str(path / "file")) == b"new"
    assert storage.list_files(str(tmp_path)) == ["new"]


def test_an_error_or_a_folder_that_is_there_leaves_it_as_it_was(tmp_path):
    path = tmp_path / "new"
    with pytest.raises(KeyboardInterrupt), storage.new_folder(str(path)):
        raise KeyboardInterrupt
    assert storage.list_files(str(tmp_path)) == []
    path.mkdir()
    (path / "file").write_bytes(b"old")
    with (
        pytest.raises(OSError, match="Could not write"),
        storage.new_folder(str(path)) as partial,
    ):
        storage.write(storage.join(partial, "file"), b"new")
    assert storage.read(str(path / "file")) == b"old"
    assert storage.list_files(str(tmp_path)) == ["new"]
