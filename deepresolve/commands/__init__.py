"""The commands of `deepresolve`, each a module that is imported when it is asked for.

A command's module has `run`, the docstring that is its help, and either absl's flags
or `parse_flags`. They are scripts that lie in the package because an installation has
no other place for them: like scripts they alone join `records` and the library, and
nothing imports them but scripts.

To add one, write its module and add its line to `COMMANDS`.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from typing import NamedTuple

from deepresolve.system import entry
from deepresolve.system.command_line.absl_flags import CommandLine


class Command(NamedTuple):
    """Where a command is, and what it does in a few words."""

    module: str
    text: str


COMMANDS = {
    "records": Command("records.__main__", "Make, check and show shards of scans."),
    "train": Command("deepresolve.commands.train", "Train a network on records."),
    "evaluate": Command(
        "deepresolve.commands.evaluate", "Measure networks on held-out subjects."
    ),
    "combine": Command(
        "deepresolve.commands.combine", "Combine answers about the series of an exam."
    ),
    "predict": Command(
        "deepresolve.commands.predict", "Make thin slices or label maps of scans."
    ),
    "measure": Command(
        "deepresolve.commands.measure", "Measure cartilage in label maps, in mm."
    ),
    "lesions": Command(
        "deepresolve.commands.lesions", "Grade cartilage or menisci piece by piece."
    ),
    "relaxometry": Command(
        "deepresolve.commands.relaxometry", "Map T2, T2* or T1rho of echoes, in ms."
    ),
    "export": Command(
        "deepresolve.commands.export", "Write a network for TensorFlow Serving."
    ),
    "export-onnx": Command(
        "deepresolve.commands.export_onnx", "Write a network for ONNX Runtime."
    ),
    "reading": Command(
        "deepresolve.commands.reading", "Let readers score images, blinded."
    ),
    "phantom": Command("deepresolve.commands.phantom", "Write a synthetic knee."),
}


def start(name: str, arguments: Sequence[str]) -> None:
    """Runs a command and ends the process with its status.

    Args:
      name: of `COMMANDS`.
      arguments: what follows it.
    """
    module, program = importlib.import_module(COMMANDS[name].module), _program(name)
    parse_flags = getattr(module, "parse_flags", None)
    entry.launch(
        module.run,
        parse_flags and functools.partial(parse_flags, program=program),
        command_line=CommandLine(program, module.__name__),
        argv=[program, *arguments],
    )


def overview() -> str:
    """What there is, for who asks for help or for nothing."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:{width}}  {command.text}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            "Thick-slice knee MRI in; thin slices, cartilage and its measures out.",
            "",
            f"usage: {_program('COMMAND')} [flags]",
            "",
            "commands:",
            *lines,
            "",
            f"{_program('COMMAND')} --help tells what a command does, with its flags;",
            f"{_program('--version')} which version this is.",
        ]
    )


def _program(name: str) -> str:
    return f"deepresolve {name}"
