"""The command that makes a set of shards again, by what its manifest says of it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from records.datasets import DATASETS


def command(fields: Mapping[str, Any], records_dir: str) -> str | None:
    """The `convert` command of a set, into another folder.

    Args:
      fields: of the manifest, of any schema version.
      records_dir: folder of the set.

    Returns:
      The command line as a shell takes it; None where the manifest does not tell, or
      tells of a dataset that no command converts.
    """
    recipe = fields.get("recipe")
    if not isinstance(recipe, dict) or recipe.get("dataset") not in DATASETS:
        return None
    others = ("split", "num_shards", "compression", "seed", "stratify")
    flags = {
        "dataset": recipe["dataset"],
        "output": f"{str(records_dir).rstrip('/')}_again",
        **recipe.get("settings", {}),
        **{name: recipe[name] for name in others if name in recipe},
        "leave_out_bad": bool(fields.get("left_out")),
    }
    words = [_flag(name, value) for name, value in flags.items() if _is_given(value)]
    return " ".join(["python -m records convert", *words])


def _is_given(value: Any) -> bool:
    return value is not None and value is not False and value not in ("", {}, [])


def _flag(name: str, value: Any) -> str:
    """A flag of a JSON value that stands in a recipe."""
    if value is True:
        return f"--{name}"
    if isinstance(value, dict):
        value = [f"{key}={text}" for key, text in value.items()]
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"--{name}={shlex.quote(text)}"
