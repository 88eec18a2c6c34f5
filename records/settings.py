"""Settings of datasets and runners, each of which is a flag of `records convert`.

A dataset or runner is a frozen dataclass, and `setting` declares each of its fields
together with the flag of the same name. Nothing heavy is imported here, nor where such
a dataclass is defined: the command line answers `--help` at once.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

from deepresolve.imaging.labels import parse_label_names
from deepresolve.system import entry, path_flags

# Metavars of flags that name what is there already.
_PATHS = ("DIR", "CSV")
_REQUIRED = dataclasses.MISSING


@dataclasses.dataclass(frozen=True)
class Flag:
    """What the command line knows of a setting.

    Attributes:
      metavar: what stands for its value; "DIR" or "CSV" for the path of something that
        is there; None for a flag without a value.
      help: what it is, for `--help`.
      parse: makes a value of a text; raises argparse.ArgumentTypeError for any other.
      is_required: whether the dataset or runner cannot do without.
    """

    metavar: str | None
    help: str
    parse: Callable[[str], Any]
    is_required: bool

    @property
    def is_path(self) -> bool:
        """Whether it names something that must be there."""
        return self.metavar in _PATHS


def setting(
    metavar: str | None,
    text: str,
    *,
    parse: Callable[[str], Any] | None = None,
    default: Any = _REQUIRED,
    default_factory: Any = _REQUIRED,
) -> Any:
    """A field of a dataset or runner, which is a flag; required without a default.

    Args:
      metavar: of `Flag`.
      text: its help.
      parse: of `Flag`; by default text, or a path.
      default: value where the flag is not given.
      default_factory: makes that value, where it is a dict or a list.
    """
    kind = parse or (path_flags.text if metavar in _PATHS else str)
    is_required = default is default_factory is _REQUIRED
    flag = Flag(metavar, text, kind, is_required)
    defaults = {"default": default, "default_factory": default_factory}
    given = {name: value for name, value in defaults.items() if value is not _REQUIRED}
    return dataclasses.field(metadata={"flag": flag}, **given)


def flags_of(kind: type) -> dict[str, Flag]:
    """The flag of each setting of a dataset or runner, by its name.

    Raises:
      TypeError: it is no dataclass, or a field was not made by `setting`.
    """
    flags: dict[str, Flag] = {}
    for field in dataclasses.fields(kind):
        if "flag" not in field.metadata:
            raise TypeError(
                f"{kind.__name__}.{field.name} is no `records.settings.setting`."
            )
        flags[field.name] = field.metadata["flag"]
    return flags


def owners(table: Mapping[str, type]) -> dict[str, dict[str, Flag]]:
    """By the name of a flag: who has it, and as what."""
    found: dict[str, dict[str, Flag]] = {}
    for owner, kind in table.items():
        for name, flag in flags_of(kind).items():
            found.setdefault(name, {})[owner] = flag
    return found


def echo(text: str) -> int | str:
    """The number of an echo, from 1, or "all"."""
    return text if text == "all" else entry.number(text)


def label_names(text: str) -> dict[int, str]:
    """Name by label value, of "1=femur,2=tibia"."""
    try:
        return parse_label_names(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def priors(text: str) -> dict[str, Any]:
    """Priors of painted images, of "random_contrast=0,pixel_mm=0.4:0.6"."""
    from deepresolve.simulation.painting.priors import parse

    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def whole_numbers(text: str) -> tuple[int, ...]:
    """Three whole numbers above 0, with commas between."""
    return _three(int, text)


def length(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0; got {text!r}")
    return value


def lengths(text: str) -> tuple[float, ...]:
    """Three finite numbers above 0, with commas between."""
    return _three(float, text)


def share(text: str) -> float:
    """A number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"expected a share in 0..1; got {text!r}")
    return value


def texts(text: str) -> tuple[str, ...]:
    """Texts, none empty, with commas between."""
    values = tuple(part.strip() for part in text.split(","))
    if not all(values):
        raise argparse.ArgumentTypeError(
            f"expected texts with commas between; got {text!r}"
        )
    return values


def _three(kind: type, text: str) -> tuple:
    try:
        values = tuple(kind(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != 3 or not all(0 < value < math.inf for value in values):
        raise argparse.ArgumentTypeError(
            f"expected three numbers above 0, with commas; got {text!r}"
        )
    return values
