"""A folder that one process writes at a time, and who that is.

    .lock        locked by the operating system, which lets go of it when the process
                 ends, however it ends: what counts among processes of one machine
    .lock.json   who holds it, and a count that goes up every few seconds: what other
                 machines go by, and all there is where files have no locks (gs://)

A process of another machine lives if the count moves. That needs no clock that two
machines share, and no trust in a network's locks: NFS passes them on where its lock
service runs, Lustre only if mounted so, and sshfs not at all.

Who only reads is never kept out.
"""

from __future__ import annotations

import contextlib
import errno
import inspect
import json
import logging
import os
import pathlib
import stat
import threading
import time
from collections.abc import Iterator
from typing import Any

import filelock

from deepresolve.system import storage
from deepresolve.system.locking import owner as lock_owner

_logger = logging.getLogger(__name__)

LOCK_FILE = ".lock"
OWNER_FILE = ".lock.json"

# How often a holder shows that it lives, and how long others look for it: a client of
# NFS may show a file as it was up to a minute ago (acdirmax of nfs(5)).
BEAT_SECONDS = 10.0
WATCH_SECONDS = 70.0
# Where files have no locks: how long two that begin together need to see each other.
SETTLE_SECONDS = 3.0

_NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}


class InUseError(OSError):
    """Another process writes the folder."""


class Claim:
    """That this process writes a folder; see `held`.

    Args:
      folder: which.
      work: what is done there, as a noun.
    """

    def __init__(self, folder: str, work: str):
        self._folder, self._work = folder, work
        self._owner = lock_owner.this_process()
        self._ended = threading.Event()
        self._lost = False
        self._heart = threading.Thread(target=self._beat, daemon=True)

    def check(self) -> None:
        """InUseError where another process has taken the folder over.

        It may where this one stood still for so long that it seemed dead.
        """
        if self._lost:
            raise InUseError(
                f"{self._folder} was taken over by another {self._work}: "
                f"{_who(self._folder)}. This process had stood still for more than "
                f"{WATCH_SECONDS:g} s, and ends."
            )

    def _begin(self) -> None:
        for name in storage.list_files(self._folder):
            if name.startswith(f"{OWNER_FILE}."):  # A process killed as it wrote.
                storage.remove(storage.join(self._folder, name))
        self._write()
        self._heart.start()

    def _end(self) -> None:
        self._ended.set()
        if self._heart.is_alive():
            self._heart.join()
        with contextlib.suppress(OSError):  # The work itself is done.
            if self._is_mine(_read(self._folder)):
                storage.remove(_owner_path(self._folder))

    def _write(self) -> None:
        text = json.dumps(self._owner, indent=1) + "\n"
        storage.write(_owner_path(self._folder), text.encode())

    def _is_mine(self, owner: bytes | None) -> bool:
        return (
            owner is None
            or lock_owner.parse(owner).get("token") == self._owner["token"]
        )

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with contextlib.suppress(OSError):  # The next beat may reach the disk.
                if not self._is_mine(_read(self._folder)):
                    self._lost = True
                    return
                self._owner["beats"] += 1
                self._write()


@contextlib.contextmanager
def held(folder: str, work: str, remedy: str) -> Iterator[Claim]:
    """Keeps other processes from writing a folder for as long as the context lasts.

    Args:
      folder: local, or wherever `tf.io.gfile` reaches; made if need be, and taken away
        again if nothing was written there.
      work: what is done there, as a noun: "training".
      remedy: what a second process may do but wait: "choose another --workdir".

    Raises:
      InUseError: another process writes it. Nothing was changed.
      OSError: it cannot be written.
    """
    is_new = not storage.is_folder(folder)
    storage.make_folder(folder)
    claim = Claim(folder, work)
    try:
        with _system_lock(folder, work, remedy) as is_locked:
            _require_free(folder, work, remedy, is_locked)
            try:
                claim._begin()
                if not is_locked:
                    _require_first(claim, remedy)
                yield claim
            finally:
                claim._end()
    finally:
        if is_new:
            _remove_unused(folder)


@contextlib.contextmanager
def turn(path: str) -> Iterator[None]:
    """Lets processes change one file in turn; without locks there are no turns.

    Args:
      path: of the file. What is locked is a hidden one beside it.
    """
    local = storage.local_path(path)
    if local is None:
        yield
        return
    lock = _file_lock(local.with_name(f".{local.name}.lock"), timeout=-1)
    with contextlib.ExitStack() as held_lock:
        try:
            held_lock.enter_context(lock)
        except (OSError, NotImplementedError) as error:
            if not _is_without_locks(error):
                raise OSError(f"Cannot write into {local.parent}: {error}.") from error
        yield


@contextlib.contextmanager
def _system_lock(folder: str, work: str, remedy: str) -> Iterator[bool]:
    """Whether the operating system locks the folder; InUseError where it has."""
    local = storage.local_path(folder)
    if local is None:
        yield False
        return
    path = local / LOCK_FILE
    # Who may write the folder may lock it, too.
    mode = stat.S_IMODE(local.stat().st_mode) & 0o666
    lock = _file_lock(path, timeout=0, mode=mode)
    is_ours = _acquire(lock, folder)
    if is_ours is False:
        raise InUseError(_in_use(folder, work, remedy))
    if is_ours is None:
        yield False
        return
    locked = path.stat()
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):  # The folder may have been moved.
            if os.path.samestat(locked, path.stat()):
                path.unlink()
        lock.release()


def _acquire(lock: filelock.BaseFileLock, folder: str) -> bool | None:
    """True where it is ours, False where another's, None where files have no locks."""
    try:
        lock.acquire()
    except filelock.Timeout:
        return False
    except (OSError, NotImplementedError) as error:
        if not _is_without_locks(error):
            raise OSError(f"Cannot write into {folder}: {error}.") from error
        return None
    if _is_locked(pathlib.Path(lock.lock_file)):
        return True
    lock.release()  # Its holder deleted the file as we took hold of it.
    return False


def _file_lock(path: pathlib.Path, **settings: Any) -> filelock.BaseFileLock:
    """A lock of the operating system, and nothing in its place.

    Where the file system has none, newer versions of filelock take a mere file, by
    which another machine cannot tell a dead process from a live one.
    """
    known = inspect.signature(filelock.BaseFileLock.__init__).parameters
    if "fallback_to_soft" in known:
        settings["fallback_to_soft"] = False
    return filelock.FileLock(path, **settings)


def _is_without_locks(error: Exception) -> bool:
    """Whether a lock failed because the file system has none."""
    return isinstance(error, NotImplementedError) or (
        isinstance(error, OSError) and error.errno in _NO_LOCKS
    )


def _is_locked(path: pathlib.Path) -> bool:
    """Whether someone, be it this process, has locked the file that is there now."""
    try:
        with _file_lock(path, timeout=0):
            return False
    except filelock.Timeout:
        return True


def _require_free(folder: str, work: str, remedy: str, is_locked: bool) -> None:
    """InUseError where a process that no lock of this machine knows shows life."""
    before = _read(folder)
    if before is None or (
        is_locked and lock_owner.parse(before).get("machine") == lock_owner.machine()
    ):
        return  # Left by a process that was killed: its lock is gone.
    _logger.warning(
        "%s: %s wrote there and has not ended in good order. Looking for %g s whether "
        "it still lives.",
        *(folder, lock_owner.described(before), WATCH_SECONDS),
    )
    end = time.monotonic() + WATCH_SECONDS
    while time.monotonic() < end:
        time.sleep(min(1.0, WATCH_SECONDS / 10))
        if (now := _read(folder)) is None:
            return
        if now != before:
            raise InUseError(_in_use(folder, work, remedy))


def _require_first(claim: Claim, remedy: str) -> None:
    """InUseError where another process has begun at the same moment."""
    time.sleep(SETTLE_SECONDS)
    if not claim._is_mine(_read(claim._folder)):
        raise InUseError(_in_use(claim._folder, claim._work, remedy))


def _remove_unused(folder: str) -> None:
    if not storage.list_files(folder):
        with contextlib.suppress(OSError):
            storage.remove_folder(folder)


def _in_use(folder: str, work: str, remedy: str) -> str:
    return (
        f"{folder} is being written by another {work}: {_who(folder)}. Wait for its "
        f"end, or {remedy}. Nothing was changed."
    )


def _who(folder: str) -> str:
    return lock_owner.described(_read(folder))


def _owner_path(folder: str) -> str:
    return storage.join(folder, OWNER_FILE)


def _read(folder: str) -> bytes | None:
    path = _owner_path(folder)
    try:
        return storage.read(path) if storage.is_file(path) else None
    except OSError:
        # Gone or replaced between the two.
        return storage.read(path) if storage.is_file(path) else None
