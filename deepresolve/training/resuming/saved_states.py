"""The states of a run in one folder: what is whole of them, whatever its path.

    ckpt-N.index                  TensorFlow's table of contents of the N-th state
    ckpt-N.data-00000-of-00001    its tensors, each with a checksum
    checkpoint                    names the newest, for TensorFlow's own tools

TensorFlow reads the path of a checkpoint as a pattern. `tf.train.latest_checkpoint` and
`CheckpointManager` (tensorflow/python/checkpoint/checkpoint_management.py) look for
files by `file_io.get_matching_files`, and so does the operation that restores
(tensorflow/core/kernels/save_restore_v2_ops.cc, `Env::GetMatchingPaths`). In a folder
x=[1,2] they find nothing, and a run would begin anew over its own weights; in a folder
x* the manager deletes old checkpoints of its neighbour xy, too. They also believe the
file `checkpoint`, which may be lost, or name paths from before a folder was moved.

So TensorFlow never sees our paths: it writes to and reads from its file system in
memory (ram://), files are copied by their very names, and a folder is searched by
listing it.
"""

from __future__ import annotations

import contextlib
import logging
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence

import tensorflow as tf

from deepresolve.system import storage

_logger = logging.getLogger(__name__)

_NEWEST = "checkpoint"
_NAME = re.compile(r"ckpt-(\d+)[._]")
_NAMED_NEWEST = re.compile(rb'^model_checkpoint_path: ".*?ckpt-(\d+)"', re.MULTILINE)


class _UnreadableError(Exception):
    """Why a state cannot be restored."""


class SavedStates:
    """Saves a state again and again, and restores the newest one that is whole.

    The two newest are kept. A kill at any moment leaves one that is whole: all files of
    a new one are on the disk before the first takes its name.

    Args:
      state: what is saved, and filled.
    """

    def __init__(self, state: tf.train.Checkpoint):
        self._state = state
        self._last_whole: int | None = None

    @property
    def has_any(self) -> bool:
        """Whether one was saved or restored."""
        return self._last_whole is not None

    def save(self, folder: str) -> None:
        """Saves the state under the next number, and deletes all but the one before.

        Raises:
          OSError: it cannot be written; what was there stays.
        """
        storage.make_folder(folder)
        number = max(_numbers(storage.list_files(folder)), default=0) + 1
        with _memory() as memory, storage.writing(folder):
            self._state.write(f"{memory}/ckpt-{number}")
            with contextlib.ExitStack() as files:
                # Left in the other order: the index, without which the data is no
                # checkpoint, takes its name last.
                for name in sorted(storage.list_files(memory), reverse=True):
                    path = files.enter_context(storage.replacing(f"{folder}/{name}"))
                    tf.io.gfile.copy(f"{memory}/{name}", path, overwrite=True)
        kept = [n for n in (self._last_whole, number) if n is not None]
        storage.write(f"{folder}/{_NEWEST}", _named(kept))
        _delete_others(folder, kept)
        self._last_whole = number

    def restore(self, folder: str) -> bool:
        """Fills the state from the newest of a folder that is whole; warns of others.

        Returns:
          False where nothing was ever saved.

        Raises:
          ValueError: there are states, and none can be restored.
          OSError: a file cannot be read.
        """
        names = storage.list_files(folder)
        failures = {}
        for number in sorted(_candidates(folder, names), reverse=True):
            try:
                self._read(folder, number, names)
            except _UnreadableError as error:
                failures[number] = str(error)
                continue
            self._last_whole = number
            if failures:
                _logger.warning(
                    "%s: cannot restore %s. Going on from ckpt-%d, the newest whole "
                    "one.",
                    *(folder, _listed(failures), number),
                )
            return True
        if failures or _NEWEST in names:
            raise ValueError(
                f"{folder} holds checkpoints, and none can be restored: "
                f"{_listed(failures) or 'their files are missing'}. Bring the folder "
                "back from a copy and start the same command again, or begin anew in "
                "another --workdir. Nothing was changed."
            )
        return False

    def _read(self, folder: str, number: int, names: Sequence[str]) -> None:
        found = _files(folder, number, names)
        with _memory() as memory:
            for name in found:
                storage.copy(f"{folder}/{name}", f"{memory}/{name}")
            try:
                # "Partial": a file of an older version holds one number more.
                status = self._state.read(f"{memory}/ckpt-{number}").expect_partial()
                status.assert_existing_objects_matched()
            except (AssertionError, ValueError) as error:
                raise _UnreadableError("of another network or version") from error
            # IndexError is TensorFlow's for a file that ends too early.
            except (tf.errors.OpError, IndexError) as error:
                raise _UnreadableError(_reason(error, memory, folder)) from error


def are_in(folder: str) -> bool:
    """Whether a state was saved in a folder; the newest may be broken."""
    return bool(_candidates(folder, storage.list_files(folder)))


@contextlib.contextmanager
def _memory() -> Iterator[str]:
    """A folder of TensorFlow's file system in memory, for as long as the context."""
    folder = f"ram://{uuid.uuid4().hex}"
    storage.make_folder(folder)
    try:
        yield folder
    finally:
        storage.remove_folder(folder)


def _named(numbers: Sequence[int]) -> bytes:
    """What TensorFlow's tools ask for the newest, the last of these."""
    lines = [f'model_checkpoint_path: "ckpt-{numbers[-1]}"']
    lines += [f'all_model_checkpoint_paths: "ckpt-{number}"' for number in numbers]
    return "".join(f"{line}\n" for line in lines).encode()


def _numbers(names: Iterable[str]) -> set[int]:
    """Of states that have a file, whole or not."""
    return {int(match[1]) for match in map(_NAME.match, names) if match}


def _candidates(folder: str, names: Sequence[str]) -> set[int]:
    """States that were saved: those that have files, and the one that is named.

    Not one that was being saved when its process was killed: it has no index, but one
    under a temporary name, ours or TensorFlow's.
    """
    numbers = _numbers(names)
    interrupted = {
        number
        for number in numbers
        if f"ckpt-{number}.index" not in names
        and any(_is_unfinished(name, number) for name in names)
    }
    named = set()
    if _NEWEST in names:
        text = storage.read(f"{folder}/{_NEWEST}")
        named = {int(number) for number in _NAMED_NEWEST.findall(text)}
    return numbers - interrupted | named


def _is_unfinished(name: str, number: int) -> bool:
    ours = name.startswith(f"ckpt-{number}.index.")
    return name == f"ckpt-{number}_temp" or (
        ours and name.endswith(storage.TEMPORARY_SUFFIX)
    )


def _files(folder: str, number: int, names: Sequence[str]) -> list[str]:
    """The files of a state; _UnreadableError where one is missing."""
    pattern = re.compile(rf"ckpt-{number}\.(index|data-\d+-of-\d+)")
    found = {
        match[1].split("-")[0]: match[0]
        for match in map(pattern.fullmatch, names)
        if match and storage.is_file(f"{folder}/{match[0]}")
    }
    for part in ("index", "data"):
        if part not in found:
            raise _UnreadableError(f"its .{part} file is missing")
    return [name for name in names if pattern.fullmatch(name)]


def _reason(error: Exception, memory: str, folder: str) -> str:
    """What is wrong, in a line, without the trace of TensorFlow's graph before it."""
    text = re.sub(r"\{\{.*?\}\}|\[Op:.*", "", str(error)).strip()
    lines = text.replace(memory, folder).splitlines()
    return lines[0][:200] if lines else "a file is cut short"


def _listed(failures: dict[int, str]) -> str:
    return "; ".join(f"ckpt-{number} ({why})" for number, why in failures.items())


def _delete_others(folder: str, keep: Sequence[int]) -> None:
    """Deletes states but those of `keep`, and what killed processes left unfinished."""
    names = storage.list_files(folder)
    others = [n for n in names if (m := _NAME.match(n)) and int(m[1]) not in keep]
    others += [n for n in names if n.startswith(f"{_NEWEST}.")]
    # The index first: without one the rest is no checkpoint.
    for name in sorted(others, key=lambda name: not name.endswith(".index")):
        path = f"{folder}/{name}"
        storage.remove_folder(path) if name.endswith("_temp") else storage.remove(path)
