"""Packages that the names `deepresolve` and `records` could mean instead of ours."""

from __future__ import annotations

import logging
import os
import sys

from deepresolve.system import shadowing

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 (imports nothing)

_logger = logging.getLogger(__name__)


def check() -> None:
    """Sees that the other package is ours, and warns of another one named `records`.

    Raises:
      ImportError: a mere folder hides it. As a command: SystemExit, with the same
        message.
    """
    if problem := shadowing.what_hides_the_package():
        raise SystemExit(problem) if sys.argv[:1] == ["-m"] else ImportError(problem)
    if os.path.exists(f"{_HERE}.py"):  # noqa: PTH110
        _logger.warning(
            "%s.py: the package `records` of PyPI is installed beside ours, and cannot "
            "be imported. Give each an environment of its own.",
            _HERE,
        )
