"""What `gpu.py` needs of each backend of Keras: one module each, imported when used.

A module has

| name | what it is |
|---|---|
| COMPILATIONS | ways to compile a function: what each is, by name |
| device_name() | the GPU's own name; None where there is only a CPU |
| set_precision(name) | "float32", "tf32" or "bfloat16"; comes before all else |
| put(array) | a NumPy array on the device |
| fetch(tensor) | the NumPy array back; waits for it |
| wait(tensor) | waits until it, and all before it, is computed |
| training_step(model, loss, optimizer, compilation) | (image, target) -> loss |
| inference(model, finish, compilation) | image -> finish(model(image)) |
| peak_bytes() | most memory of the device so far; None where it is not told |
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import types
from collections.abc import Mapping

# By KERAS_BACKEND, in the order in which an installed one is chosen: package, module.
BACKENDS: Mapping[str, tuple[str, str]] = {
    "jax": ("jax", "on_jax"),
    "torch": ("torch", "on_torch"),
    "tensorflow": ("tensorflow", "on_tensorflow"),
}

# Read on import, for commands are pinned to TensorFlow when they are launched.
_ASKED = os.environ.get("KERAS_BACKEND")


def choose() -> str:
    """KERAS_BACKEND, or the first backend that is installed.

    Raises:
      ValueError: it is none of ours, or is not installed.
    """
    installed = [
        name
        for name, (package, _) in BACKENDS.items()
        if importlib.util.find_spec(package)
    ]
    if _ASKED and _ASKED not in installed:
        raise ValueError(
            f"KERAS_BACKEND={_ASKED} is not installed here, or not one of "
            f"{list(BACKENDS)}; installed: {installed}."
        )
    if not installed:
        raise ValueError(
            f"Keras computes with one of {list(BACKENDS)}, and none is installed: "
            "for example `pip install keras 'jax[cuda13]'`."
        )
    return _ASKED or installed[0]


def load(name: str) -> types.ModuleType:
    """The module of a backend; KERAS_BACKEND must name it."""
    return importlib.import_module(f"{__name__}.{BACKENDS[name][1]}")
