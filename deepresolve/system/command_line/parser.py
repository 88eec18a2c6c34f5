"""Command lines of argparse: commands of a command, each with flags of its own."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from absl import flags
from absl.flags import argparse_flags

from deepresolve.system.command_line.suggestions import did_you_mean

_WRONG_CHOICE = re.compile(r"invalid choice: '(.*)' \(choose from (.*)\)", re.DOTALL)


class _Parser(argparse_flags.ArgumentParser):
    """Shows the help where nothing is given, and says what a wrong name may mean."""

    def parse_known_args(  # type: ignore[override]  # which is overloaded
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does it."""
        given = list(sys.argv[1:] if args is None else args)
        if not given:
            self.print_help(sys.stderr)
        return super().parse_known_args(given, namespace)

    def error(self, message: str) -> NoReturn:
        """Ends with status 2 and a line about what is wrong."""
        if wrong := _WRONG_CHOICE.search(message):
            known = re.findall(r"[\w.-]+", wrong[2])
            message += f".{did_you_mean(wrong[1], known)}"
        super().error(message.rstrip("."))


class CommandParser(_Parser):
    """Flags of one command; a misspelt one is told before the one that is missing."""

    def parse_known_args(  # type: ignore[override]  # which is overloaded
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does it, but for flags that are not known."""
        given = list(sys.argv[1:] if args is None else args)
        names = [arg.split("=")[0] for arg in given if arg.startswith("--")]
        own = set(self._option_string_actions)
        for name in names:
            if name not in own and name.lstrip("-") not in flags.FLAGS:
                similar = did_you_mean(name, own)
                self.error(f"unrecognized arguments: {name}.{similar}")
        return super().parse_known_args(given, namespace)


class GroupParser(_Parser):
    """Flags of a command that has commands, which `add` adds.

    Args:
      program: how the command line begins: "python -m records".
      description: what it does, in a line.
    """

    def __init__(self, program: str, description: str) -> None:
        super().__init__(prog=program, description=description, allow_abbrev=False)
        self._commands = self.add_subparsers(
            dest="command",
            required=True,
            metavar="COMMAND",
            parser_class=CommandParser,
        )

    def add(self, name: str, text: str) -> CommandParser:
        """The parser of one of its commands, for its flags.

        Args:
          name: of the command.
          text: what it does, in a line.
        """
        return self._commands.add_parser(
            name,
            help=text,
            description=text,
            usage=f"{self.prog} {name} [flags]",
            allow_abbrev=False,
        )
