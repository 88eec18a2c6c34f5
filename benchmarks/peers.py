"""Runs a script of a peer under an interpreter that has what it needs."""

from __future__ import annotations

import json
import pathlib
import subprocess
from typing import Any


def run(python: str | None, script: str, needs: str, *arguments: str) -> Any:
    """What the script prints as JSON in its last line; None without an interpreter.

    Args:
      python: the interpreter.
      script: its name in this folder.
      needs: the packages that the interpreter must have, for the error.
      *arguments: of the script.

    Raises:
      OSError: the script failed.
    """
    if not python:
        return None
    path = pathlib.Path(__file__).with_name(script)
    command = [python, "-W", "ignore", str(path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise OSError(
            f"{script} failed under {python}, which needs {needs}: "
            f"{done.stderr.strip()[-500:]}"
        )
    return json.loads(done.stdout.splitlines()[-1])
