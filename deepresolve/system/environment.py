"""What a user's machine tells the libraries below us, pinned before they are imported.

A shell, a notebook's kernel or ~/.keras/keras.json may be set up for other work. A
command is a process of its own and takes nothing of it that could change or end its
work (`pin`). Who imports the package keeps their own settings, but for those with which
Keras or Matplotlib could not be imported (`repair`). Devices and threads
(CUDA_VISIBLE_DEVICES, OMP_NUM_THREADS, XLA_FLAGS, ...) are the user's business.

Only the standard library is imported here.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import json
import logging
import os
import pathlib
import shutil
import sys
import tempfile
import warnings
from typing import Any

from deepresolve.system import chatter, files, shadowing

_LOGGER = logging.getLogger(__name__)

# A Keras home of our own, whose keras.json holds what our networks are made for.
KERAS_HOME = pathlib.Path(__file__).parent / "keras_home"
_PINNED = {
    "MPLBACKEND": "Agg",  # commands draw files alone
    "KERAS_HOME": str(KERAS_HOME),
    "KERAS_BACKEND": "tensorflow",
    "TF_USE_LEGACY_KERAS": "0",  # tensorflow-addons takes Keras from TensorFlow
}
_IGNORED_BY_PYTHON = (
    *(DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning),
)
_KERAS_BACKENDS = ("tensorflow", "jax", "torch", "numpy", "openvino")
_KERAS_CHOICES = {
    "floatx": ("float16", "float32", "float64"),
    "image_data_format": ("channels_last", "channels_first"),
}
# Names that every supported Matplotlib knows.
_MATPLOTLIB_BACKENDS = {
    *("agg", "cairo", "pdf", "pgf", "ps", "svg", "template", "macosx", "nbagg"),
    *("gtk3agg", "gtk3cairo", "gtk4agg", "gtk4cairo", "qtagg", "qtcairo", "qt5agg"),
    *("notebook", "qt5cairo", "tkagg", "tkcairo", "webagg", "wx", "wxagg", "wxcairo"),
}
_BROUGHT_BACKENDS = {
    "inline": "matplotlib_inline",
    "ipympl": "ipympl",
    "widget": "ipympl",
}

# Folders that are removed at the end.
_temporaries: list[str] = []


def pin() -> list[str]:
    """Makes this process a command's: what it and its children import is as we need it.

    Before TensorFlow, Keras and Matplotlib are imported.

    Returns:
      What the user should know, a line each.

    Raises:
      OSError: no folder takes temporary files, the current folder is gone, or a folder
        hides the package.
    """
    if problem := shadowing.what_hides_the_package():
        raise OSError(problem)
    _speak_utf_8()
    _require_current_folder()
    shadowing.leave_out_current_folder()
    _keep_warnings_warnings()
    for name in [name for name in os.environ if name.startswith("KERAS_")]:
        del os.environ[name]  # KERAS_MAX_EPOCHS would end a training early
    os.environ.update(_PINNED)
    chatter.keep_from_screen()
    notes = _temporary_folder()
    _give_matplotlib_a_folder()
    return notes


def remove_temporaries() -> None:
    """Deletes the folders that `pin` made; at the end of a process it is called."""
    while _temporaries:
        shutil.rmtree(_temporaries.pop(), ignore_errors=True)


def repair() -> None:
    """Replaces settings with which Keras or Matplotlib could not be imported; warns.

    For who imports the package. What is imported already is left alone, and a command
    pins more.
    """
    chatter.keep_from_screen_of_commands()
    if shadowing.is_command():
        return
    if "keras" not in sys.modules:
        if problem := _problem_of_keras_json():
            _LOGGER.warning("%s. Keras takes its own defaults here.", problem)
            os.environ["KERAS_HOME"] = str(KERAS_HOME)
        backend = os.environ.get("KERAS_BACKEND")
        if backend and (problem := _problem_of_backend(backend)):
            _LOGGER.warning("KERAS_BACKEND=%s; TensorFlow is taken.", problem)
            os.environ["KERAS_BACKEND"] = "tensorflow"
    backend = os.environ.get("MPLBACKEND")
    if backend and "matplotlib" not in sys.modules and not _can_draw_by(backend):
        _LOGGER.warning(
            "MPLBACKEND=%s: this Python's Matplotlib does not know it; Agg is taken, "
            "which draws files.",
            backend,
        )
        os.environ["MPLBACKEND"] = "Agg"


def _speak_utf_8() -> None:
    """Begins again in UTF-8 mode where names of files are taken for something else.

    TensorFlow writes paths as UTF-8, whatever the locale; in another one it would not
    find what Python found.
    """
    command = sys.orig_argv[1:]
    is_utf_8 = sys.getfilesystemencoding().lower() in ("utf-8", "utf8")
    if is_utf_8 or "utf8" in sys._xoptions or not command or command[0] == "-":
        return
    os.environ["PYTHONUTF8"] = "1"
    sys.stdout and sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *command])  # noqa: S606


def _require_current_folder() -> None:
    try:
        pathlib.Path.cwd()
    except OSError as error:
        raise OSError(
            f"The folder that this command is started in is gone ({error.strerror}). "
            "Change to another one."
        ) from error


def _keep_warnings_warnings() -> None:
    """PYTHONWARNINGS=error would end our work for a library's deprecation."""
    asked = [o.strip() for o in os.environ.get("PYTHONWARNINGS", "").split(",")]
    if not any(o and "error".startswith(o.split(":")[0]) for o in asked):
        return
    del os.environ["PYTHONWARNINGS"]
    sys.warnoptions[:] = [o for o in sys.warnoptions if o not in asked]  # children's
    warnings.resetwarnings()
    for category in _IGNORED_BY_PYTHON:
        warnings.simplefilter("ignore", category)


def _temporary_folder() -> list[str]:
    """Sees that there is one; a note where it is another than TMPDIR says."""
    asked = os.environ.get("TMPDIR")
    try:
        found = tempfile.gettempdir()
    except OSError as error:
        raise OSError(
            f"No folder takes temporary files ({error.strerror or error}). Make room, "
            "or name a folder by the environment variable TMPDIR."
        ) from error
    if not asked or pathlib.Path(asked).absolute() == pathlib.Path(found):
        return []
    os.environ["TMPDIR"] = found
    return [f"TMPDIR={asked} takes no files; temporary ones go to {found}."]


def _give_matplotlib_a_folder() -> None:
    """A temporary one where its own cannot be written, as on a read-only home."""
    for folder in _matplotlib_folders():
        try:
            files.check_folder(folder)
        except (OSError, RuntimeError):  # RuntimeError: nobody knows the home
            made = tempfile.mkdtemp(prefix="deepresolve-")
            _temporaries.append(made)
            atexit.register(remove_temporaries)
            os.environ["MPLCONFIGDIR"] = made
            return


def _matplotlib_folders() -> list[pathlib.Path]:
    """Where Matplotlib keeps its settings and its list of fonts."""
    if given := os.environ.get("MPLCONFIGDIR"):
        return [pathlib.Path(given)]
    home = pathlib.Path(os.path.expanduser("~"))  # noqa: PTH111 (never fails)
    if not sys.platform.startswith(("linux", "freebsd")):
        return [home / ".matplotlib"]
    config = os.environ.get("XDG_CONFIG_HOME") or home / ".config"
    cache = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
    return [pathlib.Path(config) / "matplotlib", pathlib.Path(cache) / "matplotlib"]


def _problem_of_keras_json() -> str | None:
    """Why Keras could not be imported with the user's keras.json; None if it could."""
    home = os.path.expanduser(  # noqa: PTH111 (as Keras does it)
        os.environ.get("KERAS_HOME") or "~/.keras"
    )
    if home.startswith("~"):
        return f"{home}: nobody knows this home, where Keras looks for keras.json"
    path = pathlib.Path(home) / "keras.json"
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        return f"{path}: nested too deeply"
    except ValueError:
        return None  # Keras passes over it
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    problem = _problem_of_settings(found)
    return problem and f"{path}: {problem}"


def _problem_of_settings(found: Any) -> str | None:
    if not isinstance(found, dict):
        return f"expected an object of settings; got {found!r:.40}"
    for name, known in _KERAS_CHOICES.items():
        if (value := found.get(name, known[0])) not in known:
            return f"{name} must be one of {', '.join(known)}; got {value!r:.40}"
    if not isinstance(found.get("epsilon", 1e-7), float):
        return f"epsilon must be a number such as 1e-07; got {found['epsilon']!r:.40}"
    if "KERAS_BACKEND" in os.environ or "backend" not in found:
        return None
    problem = _problem_of_backend(found["backend"])
    return problem and f"backend {problem}"


def _problem_of_backend(name: Any) -> str | None:
    if name not in _KERAS_BACKENDS:
        return f"{name!r:.40}: Keras has {', '.join(_KERAS_BACKENDS)}"
    with contextlib.suppress(ValueError):  # of a module that is half-imported
        if importlib.util.find_spec(name) is None:
            return f"{name} is not installed"
    return None


def _can_draw_by(backend: str) -> bool:
    """Whether Matplotlib will take this for its backend when it is imported."""
    if backend.lower() in _MATPLOTLIB_BACKENDS:
        return True
    module = _BROUGHT_BACKENDS.get(backend.lower(), "")
    if backend.startswith("module://"):
        module = backend.removeprefix("module://")
    with contextlib.suppress(ImportError, ValueError):
        return bool(module) and importlib.util.find_spec(module) is not None
    return False
