"""Who holds a lock, in a form that others can read; see `locking`."""

from __future__ import annotations

import datetime
import getpass
import json
import os
import pathlib
import platform
import uuid
from typing import Any

_BOOT_ID = pathlib.Path("/proc/sys/kernel/random/boot_id")


def this_process() -> dict[str, Any]:
    """This process as JSON values; `beats` is for its holder to count."""
    now = datetime.datetime.now().astimezone()
    return {
        "host": platform.node(),
        "process": os.getpid(),
        "user": _user(),
        "started": now.isoformat(" ", "seconds"),
        "machine": machine(),
        "token": uuid.uuid4().hex,
        "beats": 0,
    }


def machine() -> str:
    """Tells the kernel whose locks this process sees, from one start to the next."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"{platform.node()} {uuid.getnode():x}"


def parse(owner: bytes) -> dict[str, Any]:
    """What a file says of its owner; nothing where it is damaged."""
    try:
        known = json.loads(owner)
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def described(owner: bytes | None) -> str:
    """An owner in words; None where there is no file."""
    known = parse(owner or b"")
    if not {"process", "user", "host", "started"} <= known.keys():
        return "a process that does not say who it is"
    return (
        f"process {known['process']} of {known['user']} on {known['host']}, started "
        f"{known['started']}"
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A container need not know its user's name.
        return f"user {os.getuid()}"
