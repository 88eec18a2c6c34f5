"""Flags whose value is a path, on every command line of ours: ~ is a home.

A shell leaves the ~ of --output=~/x to the program, which would make a folder named
`~`. Functions of the library take paths as they are, as Python's own do.
"""

from __future__ import annotations

import argparse
import os
import pathlib

from absl import flags

_SHORT_NAMES = {"input": "i", "output": "o"}

flags.disclaim_key_flags()  # a flag belongs to the module that defines it here


def define(name: str, default: str | None, text: str) -> None:
    """Defines an absl flag that holds a path or a URL, as `flags.DEFINE_string`.

    --input and --output are -i and -o, too.
    """
    flags.DEFINE(
        _Parser(),
        name,
        default,
        text,
        serializer=flags.ArgumentSerializer(),
        short_name=_SHORT_NAMES.get(name),
    )


def text(argument: str) -> str:
    """A path or a URL as text, for `type=` of an argparse flag."""
    try:
        return expand(argument)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def path(argument: str) -> pathlib.Path:
    """A local path, for `type=` of an argparse flag."""
    return pathlib.Path(text(argument))


def expand(argument: str) -> str:
    """The path with the home that ~ or ~USER stands for at its beginning.

    Raises:
      ValueError: nothing is known of that home, or the path is empty.
    """
    if not argument:
        raise ValueError("the path is empty. Is a variable of your shell unset?")
    if not argument.startswith("~"):
        return argument
    expanded = os.path.expanduser(argument)  # noqa: PTH111 (keeps URLs and slashes)
    if expanded.startswith("~"):
        user = argument.split("/")[0]
        raise ValueError(
            f"nobody knows the home {user}. A folder of that name is ./{argument}"
        )
    return expanded


class _Parser(flags.ArgumentParser):
    """What absl does with the text of a path."""

    syntactic_help = "a path; ~ is your home"

    def parse(self, argument: str) -> str:
        return expand(argument)

    def flag_type(self) -> str:
        return "path"
