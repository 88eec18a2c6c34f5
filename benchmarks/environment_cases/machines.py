"""Users' machines: variables, homes, folders and disks as people have them."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

ODD_NAME = "a b [x=1,2] {é} #"
# Smaller than any result.
_FULL_BYTES = 200
_C_LOCALE = {
    **{"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"},
    **{"PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
}
_UNSET = dict.fromkeys(
    ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "KERAS_HOME")
)


class Machine(NamedTuple):
    """One machine.

    Attributes:
      make: prepares it in a folder, gives its environment variables; None unsets one.
      name: of the folder that inputs and results lie in.
      by_home: whether paths are given from ~, which is that folder's own.
      file_bytes: no file grows beyond; None for any size.
    """

    make: Callable[[pathlib.Path], Mapping[str, str | None]]
    name: str = "work"
    by_home: bool = False
    file_bytes: int | None = None


def _sound(folder: pathlib.Path) -> Mapping[str, str | None]:
    return {"HOME": str(folder)}


def _notebook(folder: pathlib.Path) -> Mapping[str, str | None]:
    """As a notebook's kernel sets it, for what its cells start with `!`."""
    return {
        "HOME": str(folder),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "JPY_PARENT_PID": "1",
        "PYDEVD_USE_FRAME_EVAL": "NO",
        "TF_USE_LEGACY_KERAS": "1",
        "PYTHONWARNINGS": "error",
        "CLICOLOR": "1",
        "PAGER": "cat",
    }


def _keras_json(folder: pathlib.Path) -> Mapping[str, str | None]:
    (folder / ".keras").mkdir()
    settings = {
        **{"image_data_format": "channels_first", "floatx": "float16"},
        **{"backend": "jax", "epsilon": 0.1},
    }
    (folder / ".keras" / "keras.json").write_text(json.dumps(settings))
    return {**_UNSET, "HOME": str(folder), "KERAS_MAX_EPOCHS": "1"}


def _read_only(folder: pathlib.Path) -> Mapping[str, str | None]:
    del folder
    return {**_UNSET, "HOME": "/proc/nonexistent", "TMPDIR": "/proc/nonexistent"}


def _c_locale(folder: pathlib.Path) -> Mapping[str, str | None]:
    return {"HOME": str(folder), **_C_LOCALE}


def _shadowed(folder: pathlib.Path) -> Mapping[str, str | None]:
    """In the folder that commands start in, names that Python would find first."""
    for name in ("random", "keras", "numpy", "tempfile", "matplotlib", "tqdm"):
        (folder / f"{name}.py").write_text("raise RuntimeError('not meant')")
    for name in ("tensorflow", "records", "deepresolve"):
        (folder / name).mkdir()
    return {"HOME": str(folder)}


MACHINES = {
    "sound": Machine(_sound),
    "notebook": Machine(_notebook),
    "keras.json": Machine(_keras_json),
    "read-only home": Machine(_read_only),
    "~": Machine(_sound, by_home=True),
    "C locale": Machine(_c_locale),
    "odd path": Machine(_sound, ODD_NAME),
    "odd path, C": Machine(_c_locale, ODD_NAME, by_home=True),
    "shadowed": Machine(_shadowed),
    "full disk": Machine(_sound, file_bytes=_FULL_BYTES),
}
