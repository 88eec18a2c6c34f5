"""Scans to shards: `python -m records convert | verify | inspect`.

Each command has its own --help, which answers without waiting for TensorFlow.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from deepresolve.system import entry, interruption, path_flags, paths
from deepresolve.system.command_line.parser import GroupParser
from records.commands import flags as convert_flags


def parse_flags(
    argv: Sequence[str], program: str = "python -m records"
) -> argparse.Namespace:
    """Reads the command line; exits with 2 where it makes no sense.

    Args:
      argv: the program, and the arguments that follow it.
      program: how the command line begins.
    """
    parser = GroupParser(program, "Makes, checks and shows shards of scans.")
    convert = parser.add("convert", "Make shards of scans, or complete them.")
    convert_flags.add_flags(convert)
    verify = parser.add("verify", "Read every byte and name what is wrong.")
    _add_records_flag(verify)
    inspect = parser.add("inspect", "Print what shards hold and draw a contact sheet.")
    _add_records_flag(inspect)
    inspect.add_argument(
        "--figure",
        type=path_flags.text,
        metavar="PNG",
        help="default: contact_sheet.png beside the shards",
    )
    inspect.add_argument(
        "--max_subjects",
        type=entry.number,
        default=64,
        metavar="N",
        help="draw so many of them at most (default: %(default)s)",
    )
    flags = parser.parse_args(argv[1:])
    if flags.command == "convert":
        convert_flags.check_flags(convert, flags)
    return flags


def run(flags: argparse.Namespace) -> int:
    """Runs one command; returns its exit status."""
    _check_paths(flags)
    # A preempted job leaves nothing half-written behind.
    interruption.raise_on_sigterm()
    # No command has a use for a GPU; worker processes inherit this.
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    # Imports TensorFlow, which --help and a wrong flag must not wait for.
    from records.commands.run import COMMANDS

    return COMMANDS[flags.command](flags)


def _check_paths(flags: argparse.Namespace) -> None:
    """What can be told of the flags' paths without TensorFlow.

    Raises:
      OSError: there is nothing to read at one, or nothing can be written.
    """
    if flags.command != "convert":
        paths.check_records(flags.records)
        if flags.command == "inspect" and flags.figure:
            paths.check_output(flags.figure)
        return
    for name, path in convert_flags.given_paths(flags).items():
        paths.check_input(f"--{name}", path)
    paths.check_output_folder(flags.output)


def _add_records_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--records",
        required=True,
        type=path_flags.text,
        metavar="DIR",
        help="folder of the shards",
    )


if __name__ == "__main__":
    entry.launch(run, parse_flags)
