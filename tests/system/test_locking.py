"""One process writes a folder at a time, and others are told which."""

import errno
import json
import os
import pathlib
import signal
import subprocess
import sys

import pytest

from deepresolve.system import locking, storage
from deepresolve.system.locking import owner as lock_owner

HOLDER = """
import sys, time
from deepresolve.system import locking
with locking.held(sys.argv[1], "training", "wait"):
    print("held", flush=True)
    time.sleep(600)
"""


def held(folder):
    return locking.held(str(folder), "training", "choose another --workdir")


def owner(folder):
    return json.loads(storage.read(f"{folder}/{locking.OWNER_FILE}"))


@pytest.fixture
def quick(monkeypatch):
    """Beats and waits a hundred times faster."""
    monkeypatch.setattr(locking, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(locking, "WATCH_SECONDS", 0.5)
    monkeypatch.setattr(locking, "SETTLE_SECONDS", 0.1)


@pytest.fixture
def elsewhere(monkeypatch):
    """A context in which this process is of another machine, without our locks."""

    def on(machine="another"):
        monkeypatch.setattr(lock_owner, "machine", lambda: machine)

    return on


@pytest.fixture
def holder(tmp_path):
    """Another process that holds a folder."""
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder],
        cwd=pathlib.Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "held\n"
        yield folder, process
        process.kill()


def test_a_second_process_is_told_the_first_and_changes_nothing(holder, tmp_path):
    folder, process = holder
    before = sorted(folder.iterdir())
    with pytest.raises(locking.InUseError) as caught, held(folder):
        pass
    known = owner(folder)
    assert known["process"] == process.pid
    assert str(caught.value) == (
        f"{folder} is being written by another training: process {process.pid} of "
        f"{known['user']} on {os.uname().nodename}, started {known['started']}. Wait "
        "for its end, or choose another --workdir. Nothing was changed."
    )
    assert sorted(folder.iterdir()) == before
    # By whatever name it is called, also after it was moved.
    moved = folder.rename(tmp_path / "moved")
    (tmp_path / "link").symlink_to(moved)
    for name in ("moved", "link"):
        with pytest.raises(locking.InUseError), held(tmp_path / name):
            pass
    # A process that was killed lets go at once.
    process.send_signal(signal.SIGKILL)
    process.wait()
    with held(moved):
        assert owner(moved)["process"] == os.getpid()
    assert list(moved.iterdir()) == []


def test_a_lock_that_its_holder_deleted_is_none(tmp_path, monkeypatch):
    """The file is opened, deleted by its holder, and only then locked."""
    acquire = locking.filelock.FileLock.acquire

    def then_delete(lock, *args, **kwargs):
        monkeypatch.undo()
        result = acquire(lock, *args, **kwargs)
        (tmp_path / locking.LOCK_FILE).unlink()
        return result

    monkeypatch.setattr(locking.filelock.FileLock, "acquire", then_delete)
    with pytest.raises(locking.InUseError), held(tmp_path):
        pass


def test_the_same_process_is_kept_out_like_any_other(tmp_path):
    with held(tmp_path), pytest.raises(locking.InUseError), held(tmp_path):
        pass
    with held(tmp_path):
        pass


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_lets_go_and_leaves_no_folder_of_its_own(tmp_path, error):
    with pytest.raises(error), held(tmp_path / "run"):
        raise error
    assert not (tmp_path / "run").exists()
    with pytest.raises(error), held(tmp_path / "run"):
        (tmp_path / "run" / "file").touch()
        raise error
    assert (tmp_path / "run" / "file").exists()
    with held(tmp_path / "run"):
        pass


def test_children_neither_hold_nor_let_go(tmp_path):
    with held(tmp_path):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=-1)
        subprocess.run([sys.executable, "-c", ""], check=True)
        with pytest.raises(locking.InUseError), held(tmp_path):
            pass
    with held(tmp_path), child:
        child.stdin.close()


def test_another_machine_that_lives_keeps_its_folder(tmp_path, quick, elsewhere):
    """As where a network's file system passes no locks on."""
    with held(tmp_path):
        (tmp_path / locking.LOCK_FILE).unlink()
        elsewhere()
        with pytest.raises(locking.InUseError, match="Nothing was changed"):
            held(tmp_path).__enter__()
        elsewhere()
    assert not (tmp_path / locking.OWNER_FILE).exists()


@pytest.mark.parametrize("left", ["{}", "no json", '["list"]'])
def test_what_a_dead_machine_left_is_taken_over(tmp_path, quick, caplog, left):
    (tmp_path / locking.OWNER_FILE).write_text(left)
    with held(tmp_path):
        assert owner(tmp_path)["process"] == os.getpid()
    assert "whether it still lives" in caplog.text


def test_a_machine_that_was_started_again_goes_on(tmp_path, quick, elsewhere):
    with held(tmp_path):
        text = (tmp_path / locking.OWNER_FILE).read_text()
    (tmp_path / locking.OWNER_FILE).write_text(text)
    elsewhere("the same one, started again")
    with held(tmp_path):
        pass


def test_who_was_taken_over_learns_it(tmp_path, quick):
    with held(tmp_path) as claim:
        claim.check()
        other = {**owner(tmp_path), "token": "another", "process": 7}
        storage.write(f"{tmp_path}/{locking.OWNER_FILE}", json.dumps(other).encode())
        claim._heart.join(timeout=10)
        with pytest.raises(locking.InUseError, match=r"taken over .* process 7 "):
            claim.check()
    assert owner(tmp_path) == other


def test_where_files_have_no_locks_a_claim_holds(quick):
    # TensorFlow's in-memory file system stands for gs:// and s3://.
    folder = "ram://held"
    with held(folder), pytest.raises(locking.InUseError), held(folder):
        pass
    with held(folder):
        pass
    assert storage.list_files(folder) == []


def test_two_that_begin_together_do_not_both_go_on(quick, monkeypatch):
    folder = "ram://together"
    write = locking.Claim._write

    def then_another(claim):
        write(claim)
        other = {**owner(folder), "token": "another"}
        storage.write(f"{folder}/{locking.OWNER_FILE}", json.dumps(other).encode())

    monkeypatch.setattr(locking.Claim, "_write", then_another)
    with pytest.raises(locking.InUseError), held(folder):
        pass
    storage.remove_folder(folder)


def test_a_file_system_without_locks_is_claimed(tmp_path, quick, monkeypatch):
    def acquire(self):
        raise NotImplementedError

    monkeypatch.setattr(locking.filelock.FileLock, "acquire", acquire)
    with held(tmp_path), pytest.raises(locking.InUseError), held(tmp_path):
        pass


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def test_where_the_system_refuses_locks_a_claim_holds_and_turns_are_none(
    tmp_path, quick, elsewhere, monkeypatch, number
):
    """Lustre without `flock`, NFS without its lock service, some FUSE."""

    def flock(file, operation):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(pytest.importorskip("fcntl"), "flock", flock)
    with locking.turn(str(tmp_path / "table.csv")):
        pass
    with held(tmp_path):
        with pytest.raises(locking.InUseError), held(tmp_path):
            pass
        text = (tmp_path / locking.OWNER_FILE).read_text()
    # Left by a process that was killed, on another machine.
    (tmp_path / locking.OWNER_FILE).write_text(text)
    elsewhere()
    with held(tmp_path):
        pass


def test_what_a_process_left_that_was_killed_as_it_wrote_goes(tmp_path):
    (tmp_path / f"{locking.OWNER_FILE}.{'0' * 32}.tmp").touch()
    with held(tmp_path):
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_someone_else_is_told(tmp_path, monkeypatch):
    def acquire(self):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(locking.filelock.FileLock, "acquire", acquire)
    with (
        pytest.raises(OSError, match=r"Cannot write into .*Permission"),
        held(tmp_path),
    ):
        pass


def test_a_folder_that_takes_no_files_is_told(tmp_path, full_disk):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file/run"), held(tmp_path / "file" / "run"):
        pass
    with pytest.raises(OSError, match="Could not write"), full_disk(0):
        held(tmp_path / "run").__enter__()
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["x=[1,2]", "a*?b", "{é中}\\ ~%20", "a" * 255])
def test_any_name_of_a_folder_will_do(tmp_path, name):
    with held(f"file://{tmp_path / name}/"):
        with pytest.raises(locking.InUseError), held(tmp_path / name):
            pass
        storage.write(f"{tmp_path / name}/file", b"kept")
    assert (tmp_path / name / "file").read_bytes() == b"kept"


def test_turns_are_taken(tmp_path):
    path = str(tmp_path / "table[1].csv")
    with locking.turn(path):
        lock = locking.filelock.FileLock(tmp_path / ".table[1].csv.lock", timeout=0)
        with pytest.raises(locking.filelock.Timeout):
            lock.acquire()
    with locking.turn(path), locking.turn("ram://table.csv"):
        pass
