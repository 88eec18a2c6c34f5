"""Optional dependencies: how to get one that is missing."""

from __future__ import annotations


def how_to_install(extra: str) -> str:
    """What to type, for the end of an error.

    The package is in no registry: its extras are found where its source is.

    Args:
      extra: a key of `extras_require` in setup.py, in the normal form of PEP 685
        (lower case, hyphens), which every pip resolves.
    """
    return f"pip install '.[{extra}]' in the folder of DeepResolve's source (setup.py)"
