"""One absl flag for every field of the config; for entry points alone."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from typing import Any, Literal

from absl import flags

from deepresolve import presets
from deepresolve.config import Config, tasks
from deepresolve.system.tables import normal

_NUMBERS: dict[type, Callable[..., Any]] = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}


def define_flags() -> None:
    """Defines --preset, --task and a flag for each other field.

    No flag has a default: a preset says what counts where it is not given.
    """
    flags.DEFINE_enum("preset", None, sorted(presets.PRESETS), "Run to start from.")
    flags.DEFINE_enum(
        "task",
        None,
        sorted(tasks.TASKS),
        "Without --preset: the task whose defaults to start from.",
    )
    for name, (kind, meaning) in _overridable().items():
        text = f"{meaning} ({_describe_default(name)})"
        if typing.get_origin(kind) is Literal:
            flags.DEFINE_enum(name, None, list(typing.get_args(kind)), text)
        elif typing.get_origin(kind) is tuple:
            flags.DEFINE_list(name, None, text)
        else:
            _NUMBERS[kind](name, None, text)


def config_from_flags(values: flags.FlagValues) -> Config:
    """The preset, or a task's defaults, with every field replaced whose flag was given.

    Raises:
      ValueError: a value is out of range or no list of numbers, or a field is of
        another task than the preset.
    """
    given = {
        name: _parsed(name, kind, values[name].value)
        for name, (kind, _) in _overridable().items()
        if values[name].present
    }
    start = (
        presets.get(values.preset) if values.preset else tasks.settings(values.task)()
    )
    return start.replace(**given)


def _describe_default(name: str) -> str:
    """The value where all presets that have the field agree on it."""
    having = [c for c in presets.PRESETS.values() if hasattr(c, name)]
    if not having:  # of a task without presets
        of_tasks = (tasks.settings(task)() for task in tasks.TASKS)
        having = [config for config in of_tasks if hasattr(config, name)]
    values = {getattr(config, name) for config in having}
    if len(values) > 1:
        return "default: the preset's"
    value = values.pop()
    return (
        f"default: {','.join(map(str, value)) if isinstance(value, tuple) else value}"
    )


def _overridable() -> dict[str, tuple[Any, str]]:
    """Type and text of every field by name, those of each task behind the common ones.

    A preset says its task; that has a flag of its own.
    """
    fields: dict[str, tuple[Any, str]] = {}
    for config in (Config, *(tasks.settings(name) for name in tasks.TASKS)):
        types = typing.get_type_hints(config)
        for field in dataclasses.fields(config):
            fields.setdefault(field.name, (types[field.name], field.metadata["help"]))
    return {name: of for name, of in fields.items() if name not in ("preset", "task")}


def _parsed(name: str, kind: Any, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    part_of = typing.get_args(kind)[0]
    try:
        return tuple(part_of(normal(part)) for part in value)
    except ValueError:
        numbers = "whole numbers" if part_of is int else "numbers"
        raise ValueError(
            f"--{name} takes {numbers} separated by commas; got {','.join(value)!r}."
        ) from None
