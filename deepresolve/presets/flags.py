"""One absl flag for every field of the config; for entry points alone."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, Literal

from absl import flags

from deepresolve import presets
from deepresolve.config import Config
from deepresolve.system.tables import normal

_NUMBERS = {
    bool: flags.DEFINE_bool,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}


def define_flags() -> None:
    """Defines --preset and a flag for each other field; no flag has a default."""
    flags.DEFINE_enum("preset", None, sorted(presets.PRESETS), "Run to start from.")
    types = typing.get_type_hints(Config)
    for field in _overridable():
        kind, text = types[field.name], field.metadata["help"]
        if typing.get_origin(kind) is Literal:
            flags.DEFINE_enum(field.name, None, list(typing.get_args(kind)), text)
        elif typing.get_origin(kind) is tuple:
            flags.DEFINE_list(field.name, None, text)
        else:
            _NUMBERS[kind](field.name, None, text)


def config_from_flags(values: flags.FlagValues) -> Config:
    """The preset, with every field replaced whose flag was given.

    Raises:
      ValueError: a value is out of range or no list of whole numbers.
    """
    types = typing.get_type_hints(Config)
    given = {
        field.name: _parsed(field.name, types[field.name], values[field.name].value)
        for field in _overridable()
        if values[field.name].present
    }
    return presets.get(values.preset).replace(**given)


def _overridable() -> list[dataclasses.Field]:
    return [field for field in dataclasses.fields(Config) if field.name != "preset"]


def _parsed(name: str, kind: Any, value: Any) -> Any:
    if not isinstance(value, list):
        return value
    try:
        return tuple(typing.get_args(kind)[0](normal(part)) for part in value)
    except ValueError:
        raise ValueError(
            f"--{name} takes whole numbers separated by commas; "
            f"got {','.join(value)!r}."
        ) from None
