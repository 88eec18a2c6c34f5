"""How much memory a process has had."""

from __future__ import annotations

import pathlib
import re


def peak_gib() -> float:
    """Largest resident size of this process so far, in GiB; Linux alone (proc(5)).

    Not `ru_maxrss`, which begins at the peak of the process that started this one.
    """
    status = pathlib.Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 2**20
