"""DeepResolve: thin-slice knee MRI out of thick-slice scans, and its cartilage.

What `import deepresolve as dr` offers is described in `deepresolve.api`.
"""

from typing import TYPE_CHECKING

from deepresolve.system import shadowing

if shadowing.is_command():
    shadowing.leave_out_current_folder()  # before anything is imported from there

from deepresolve.system import environment

environment.repair()

__version__ = "0.1.0"

__all__ = [
    "Volume",
    "interpolate",
    "measure",
    "metrics",
    "open_run",
    "predict",
    "read",
    "read_echoes",
    "relaxometry",
    "resample_labels",
    "thicken",
    "write",
]

if TYPE_CHECKING:
    from deepresolve import metrics
    from deepresolve.api import (
        Volume,
        interpolate,
        measure,
        open_run,
        predict,
        read,
        read_echoes,
        relaxometry,
        resample_labels,
        thicken,
        write,
    )
else:

    def __getattr__(name: str) -> object:
        """Loads what is asked for: the package itself is light (PEP 562)."""
        import importlib

        if name == "metrics":
            return importlib.import_module("deepresolve.metrics")
        if name in __all__:
            return getattr(importlib.import_module("deepresolve.api"), name)
        raise AttributeError(f"module 'deepresolve' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted([*globals(), *__all__])
