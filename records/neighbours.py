"""Packages that the names `deepresolve` and `records` could mean instead of ours."""

from __future__ import annotations

import logging
import os
import sys
import types

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (imports nothing)

_LOGGER = logging.getLogger(__name__)


def check(found: types.ModuleType) -> None:
    """Sees that the other package is ours, and warns of another one named `records`.

    Args:
      found: what `import deepresolve` gave.

    Raises:
      ImportError: a mere folder of that name, such as a clone of the source seen from
        the folder above it. As a command: SystemExit, with the same message.
    """
    if not hasattr(found, "__version__"):
        message = (
            f"{next(iter(found.__path__))} hides the package `deepresolve`, which "
            f"{_HERE} belongs to. Start in another folder, or install the package "
            "without --editable: pip install ."
        )
        raise SystemExit(message) if sys.argv[:1] == ["-m"] else ImportError(message)
    if os.path.exists(f"{_HERE}.py"):  # noqa: PTH110
        _LOGGER.warning(
            "%s.py: the package `records` of PyPI is installed beside ours, and cannot "
            "be imported. Give each an environment of its own.",
            _HERE,
        )
