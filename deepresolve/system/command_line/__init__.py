"""Command lines: their help, and what is told of a wrong one."""

from __future__ import annotations

import os
import sys


def show(text: str) -> None:
    """Prints a page of help, as far as the reader of a pipe wants it."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # As Python's documentation says it: the end of the process flushes again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
