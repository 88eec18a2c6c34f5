"""A field of a config: the text of its flag, and which values make sense."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from typing import Any, Literal

Shape = tuple[int, int, int]


def option(
    default: Any,
    help_text: str,
    minimum: float | None = None,
    maximum: float | None = None,
    engine: str | None = None,
) -> Any:
    """A dataclass field with the text of its flag.

    Args:
      default: its value where nothing is said.
      help_text: meaning, unit and source.
      minimum: smallest value that makes sense; None for any.
      maximum: largest value that makes sense; None for any.
      engine: of the networks for which it means anything; None: all.
    """
    metadata = {
        "help": help_text,
        "minimum": minimum,
        "maximum": maximum,
        "engine": engine,
    }
    return dataclasses.field(default=default, metadata=metadata)


def check(field: dataclasses.Field, expected: Any, value: Any) -> None:
    """Holds a value to the field that it is for.

    Args:
      field: made by `option`.
      expected: its type: a Literal, a tuple, or a plain one.
      value: what it is to hold.

    Raises:
      ValueError: another type, or out of range.
    """
    if typing.get_origin(expected) is Literal:
        if value not in typing.get_args(expected):
            raise ValueError(
                f"{field.name} must be one of {typing.get_args(expected)}; "
                f"got {value!r}."
            )
        return
    parts = _parts(value, expected)
    if parts is None:
        raise ValueError(
            f"{field.name} must be of type {_type_name(expected)}; got {value!r}."
        )
    if any(isinstance(part, float) and not math.isfinite(part) for part in parts):
        raise ValueError(f"{field.name} must be finite; got {value!r}.")
    minimum = field.metadata["minimum"]
    if minimum is not None and min(parts) < minimum:
        raise ValueError(f"{field.name} must be at least {minimum}; got {value!r}.")
    maximum = field.metadata["maximum"]
    if maximum is not None and max(parts) > maximum:
        raise ValueError(f"{field.name} must be at most {maximum}; got {value!r}.")


def _parts(value: Any, expected: Any) -> tuple | None:
    """The numbers or texts that `value` is made of; None if it is of another type."""
    if typing.get_origin(expected) is not tuple:
        return (value,) if _is_a(value, expected) else None
    kind, *further = typing.get_args(expected)
    length_is_free = further == [Ellipsis]  # tuple[int, ...]
    if not isinstance(value, tuple) or not (
        length_is_free or len(value) == 1 + len(further)
    ):
        return None
    return value if all(_is_a(part, kind) for part in value) else None


def _is_a(value: Any, expected: type) -> bool:
    if expected is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return isinstance(value, expected) and (
        expected is bool or not isinstance(value, bool)
    )


def _type_name(expected: Any) -> str:
    if isinstance(expected, types.GenericAlias):
        return str(expected)
    return expected.__name__
