"""What TensorFlow says while it starts does not reach the screen; all else does.

While it is imported, and while it first looks for GPUs, TensorFlow's C++ writes to the
process's standard error before its log level (TF_CPP_MIN_LOG_LEVEL) counts, and calls
it an error that a machine has no GPU. For that time standard error is a pipe to a
process of its own (`sift`), which passes on all lines but those. It is no thread, for
what a process says before it crashes must be seen, too.

That takes seconds: a command's terminal says so for as long.
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.util
import os
import pathlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

from deepresolve.system.left_out import left_out

# Tells processes that a command starts: they load TensorFlow quietly, too.
_MARK = "DEEPRESOLVE_QUIET"
# What hides warnings hides what comes before it counts.
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_SIFT = pathlib.Path(__file__).with_name("sift.py")
# What NVIDIA's driver makes.
_GPU_DEVICE = pathlib.Path("/dev/nvidiactl")
_LOADING = "Loading TensorFlow ..."


def keep_from_screen() -> None:
    """Has TensorFlow loaded quietly, here and in processes that this one starts.

    Not where a user asked for more by TF_CPP_MIN_LOG_LEVEL.
    """
    os.environ[_MARK] = "1"
    os.environ.setdefault(_LEVEL, "2")
    _find_quietly(told=True)


def keep_from_screen_of_commands() -> None:
    """The same in a process that a command started; in others nothing."""
    if os.environ.get(_MARK) == "1":
        _find_quietly(told=False)


def _find_quietly(*, told: bool) -> None:
    is_asked = os.environ.get(_LEVEL) in ("2", "3")
    found = [finder for finder in sys.meta_path if isinstance(finder, _Finder)]
    if is_asked and not found:
        found = [_Finder()]
        sys.meta_path[:0] = found
    for finder in found:
        finder.told = finder.told or told


class _Finder(importlib.abc.MetaPathFinder):
    """Finds TensorFlow as others do, and has it loaded by `_Loader`.

    Attributes:
      told: whether the terminal says that it is being loaded.
    """

    def __init__(self) -> None:
        self.told = False
        self._is_asking_others = False

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname != "tensorflow" or self._is_asking_others:
            return None
        self._is_asking_others = True
        try:
            spec = importlib.util.find_spec(fullname)
        finally:
            self._is_asking_others = False
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, self.told)
        return spec


class _Loader(importlib.abc.Loader):
    """Loads TensorFlow and has it look for GPUs, while standard error is sifted.

    Without what Keras would bring along for nothing.
    """

    def __init__(self, loader: importlib.abc.Loader, told: bool) -> None:
        self._loader = loader
        self._told = told

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        said = _said(_LOADING) if self._told else contextlib.nullcontext()
        with said, _sifted(), left_out():
            self._loader.exec_module(module)
            module.config.list_physical_devices()


@contextlib.contextmanager
def _said(text: str) -> Iterator[None]:
    """A terminal shows the text for as long as this context lasts."""
    screen = sys.stderr
    if not screen or not screen.isatty():
        yield
        return
    print(text, end="", file=screen, flush=True)
    try:
        yield
    finally:
        # Back to the line's beginning, over the text, and back again.
        print(f"\r{' ' * len(text)}\r", end="", file=screen, flush=True)


@contextlib.contextmanager
def _sifted() -> Iterator[None]:
    """Standard error, whoever writes to it, goes through `sift`."""
    sys.stderr and sys.stderr.flush()
    try:
        screen = os.dup(2)
    except OSError:  # it is closed: nobody reads
        yield
        return
    process = _start_sift(screen)
    try:
        yield
    finally:
        sys.stderr and sys.stderr.flush()
        os.dup2(screen, 2)
        os.close(screen)
        # Until all is told; processes that were started meanwhile may hold the pipe.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)


def _start_sift(screen: int) -> subprocess.Popen[bytes]:
    """A process that reads what is written to standard error from now on."""
    read, write = os.pipe()
    process = subprocess.Popen(  # noqa: S603 (this Python)
        [
            *(sys.executable, "-I", "-S", str(_SIFT)),
            "gpu" if _GPU_DEVICE.exists() else "no-gpu",
        ],
        stdin=read,
        stdout=subprocess.DEVNULL,  # who reads the command's output is not kept waiting
        stderr=screen,
        start_new_session=True,  # Ctrl-C is not for it
    )
    os.close(read)
    os.dup2(write, 2)
    os.close(write)
    return process
