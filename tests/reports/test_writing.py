import errno
import pathlib

import pytest

from deepresolve.reports import writing


def test_write_replaces_what_was_there(tmp_path):
    folder = writing.make_folder(str(tmp_path / "new" / "report"))
    for content in ("old", "new ± 1"):
        paths = writing.write(folder, {"a.md": content, "b.png": b"\x89"})
    assert [path.name for path in paths] == ["a.md", "b.png"]
    assert paths[0].read_text(encoding="utf-8") == "new ± 1"
    assert paths[1].read_bytes() == b"\x89"
    assert sorted(folder.iterdir()) == paths


def test_a_full_disk_leaves_the_earlier_report(tmp_path, monkeypatch):
    writing.write(tmp_path, {"a.md": "old", "b.md": "old"})
    write_bytes = pathlib.Path.write_bytes

    def full(path, data):
        if "b.md" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write_bytes(path, data)

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        writing.write(tmp_path, {"a.md": "new", "b.md": "new"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.md": "old",
        "b.md": "old",
    }


def test_remote_folder_is_refused():
    with pytest.raises(ValueError, match="local folder"):
        writing.make_folder("gs://bucket/report")
