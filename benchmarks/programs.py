"""Programs of ours, run as their users run them."""

from __future__ import annotations

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent


def command(*arguments: object) -> None:
    """Runs a Python program of ours.

    Raises:
      ChildProcessError: it failed, and has said why.
    """
    done = subprocess.run([sys.executable, *map(str, arguments)], cwd=ROOT)
    if done.returncode:
        raise ChildProcessError(f"{arguments[0]} ended with status {done.returncode}.")
