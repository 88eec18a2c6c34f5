"""Flags that say which network a command uses: a run's own, or one of the package."""

from __future__ import annotations

import sys

from absl import flags

from deepresolve.runs import pretrained
from deepresolve.system import path_flags

FLAGS = flags.FLAGS

path_flags.define("workdir", None, "Folder of the run that trained the network.")
flags.DEFINE_enum(
    "pretrained",
    None,
    sorted(pretrained.PRETRAINED),
    "Without --workdir: a network that comes with the package (docs/models.md). "
    f"Without either it is {pretrained.DEFAULT}. "
    + "; ".join(f"{k}: {m.summary}" for k, m in pretrained.PRETRAINED.items())
    + ".",
)
flags.DEFINE_enum(
    "checkpoint", "best", ["best", "last"], "Best validation score, or last epoch."
)
flags.register_multi_flags_validator(
    ["workdir", "pretrained"],
    lambda values: not (values["workdir"] and values["pretrained"]),
    "Give one of them: your own network, or one of the package.",
)


def workdir() -> str:
    """The workdir that the flags ask for, as `Workdir` takes it."""
    return FLAGS.workdir or pretrained.PREFIX + _name()


def announce(path: str | None = None) -> None:
    """Tells what a network of the package is and is not fit for, if it is one.

    Args:
      path: of its workdir; None: the one that the flags ask for.
    """
    path = path or workdir()
    if pretrained.is_pretrained(path):
        name = path.removeprefix(pretrained.PREFIX)
        print(f"note: {pretrained.describe(name)}", file=sys.stderr)


def _name() -> str:
    return FLAGS.pretrained or pretrained.DEFAULT
