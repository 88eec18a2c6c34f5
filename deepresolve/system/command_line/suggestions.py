"""What was meant by a name that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], prefix: str = "") -> str:
    """A question that names the most similar one; empty where none is similar.

    Args:
      name: what was given.
      known: what there is.
      prefix: of names on a command line: "--".

    Returns:
      Begins with a space, so that it follows another sentence.
    """
    similar = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f" Did you mean {prefix}{similar[0]}?" if similar else ""
