"""What may be chosen for a prediction, whatever the task.

A task's own options are a subclass of `Options` in `tasks.NAME.options`. Every field is
made by `config.fields.option`, whose text is also that of its flag; a field that may be
None has no value where nobody chooses one.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, ClassVar, Literal

from deepresolve.config.fields import check, option

# What a network computes in, once it is decided.
Dtype = Literal["float32", "bfloat16"]

# Section of a report where the spread was not asked for.
SPREAD_NOT_ASKED = {
    "measured": False,
    "how": "--spread=report (--spread=volume also writes it for each voxel)",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """Options of every task.

    Raises:
      ValueError: a value is of another type, or out of range.
    """

    # Of a task, or of some networks: begins the texts of its own flags.
    title: ClassVar[str] = ""

    dtype: Literal["auto", "float32", "bfloat16"] = option(
        "auto",
        "What the network computes in: float32 is exact; bfloat16 is up to twice as "
        "fast where the processor has it. auto takes it there for super-resolution, "
        "which loses less than 0.01 dB, and float32 for label maps, in which it moves "
        "up to 0.5% of a tissue's volume.",
    )
    spread: Literal["none", "report", "volume"] = option(
        "none",
        "How far results change with the mirror image of the scan, in "
        "NAME_trust.json; volume: also for each voxel, as NAME_spread.nii.gz. "
        "Super-resolution takes three times as long for it, segmentation and grades "
        "twice; with --flips it costs nothing.",
    )

    def __post_init__(self) -> None:
        kinds = field_types(type(self))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value is not None or field.default is not None:
                check(field, kinds[field.name], value)

    @classmethod
    def own_fields(cls) -> list[dataclasses.Field]:
        """Those that this class adds to the one above it."""
        above = {
            name
            for base in cls.__bases__
            for name in getattr(base, "__dataclass_fields__", ())
        }
        return [field for field in dataclasses.fields(cls) if field.name not in above]

    @classmethod
    def of(cls, values: dict[str, Any]) -> Options:
        """Options by name; those that are not named keep their defaults.

        Raises:
          ValueError: the task has no such option, or a value makes no sense.
        """
        known = [field.name for field in dataclasses.fields(cls)]
        if unknown := sorted(set(values) - set(known)):
            raise ValueError(
                f"Unknown options {', '.join(unknown)}; a network for "
                f"{cls.title.lower()} has {', '.join(known)}."
            )
        return cls(**values)


@dataclasses.dataclass(frozen=True, kw_only=True)
class WindowOptions(Options):
    """Options of tasks whose networks may see windows; for those that do."""

    title: ClassVar[str] = "Networks that see windows"

    window: tuple[int, int, int] | None = option(
        None,
        "ROWS,COLUMNS,SLICES that go through the network at once. By default as many "
        "whole slices as fit into --memory_gib, best all.",
        engine="windows",
    )
    memory_gib: float = option(
        4.0,
        "memory for what the network holds at once, in GiB. Windows are never smaller "
        "than a training patch, whatever that takes.",
        0.1,
        engine="windows",
    )


def field_types(options: type[Options]) -> dict[str, Any]:
    """The type of each option that is chosen, by name: of `int | None` it is int."""
    kinds = typing.get_type_hints(options)
    return {
        field.name: _without_none(kinds[field.name])
        for field in dataclasses.fields(options)
    }


def _without_none(kind: Any) -> Any:
    if not isinstance(kind, types.UnionType):
        return kind
    return next(part for part in typing.get_args(kind) if part is not type(None))
