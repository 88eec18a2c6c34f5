"""Command lines of absl's flags: a page of help, and errors that help.

absl's own --help ends with status 1 and tells of the module `__main__`, which for the
command `deepresolve` is none of its commands.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import textwrap
from collections.abc import Sequence
from typing import NoReturn

from absl import flags

from deepresolve.system.command_line import show
from deepresolve.system.command_line.suggestions import did_you_mean

FLAGS = flags.FLAGS

_HELP = {"--help", "-help", "-h", "-?", "--helpshort", "-helpshort"}
# What absl says of a required flag.
_REQUIRED = "must have a value other than None"
_MISSING = re.compile(rf"flag --(\w+)=None: Flag --\1 {_REQUIRED}")


@dataclasses.dataclass(frozen=True)
class CommandLine:
    """What a user types, and the module that says what it means.

    Attributes:
      program: how it begins: "deepresolve predict", "python train.py".
      module: whose docstring is the help, and whose key flags are the command's.
    """

    program: str
    module: str = "__main__"

    def parse(self, argv: Sequence[str]) -> None:
        """Reads the flags; --help prints the page and ends with status 0.

        Args:
          argv: the program and what follows it.

        Raises:
          SystemExit: 0 after help; 1 after a line about what is wrong.
        """
        given = argv[1 : argv.index("--")] if "--" in argv else argv[1:]
        if _HELP & set(given):
            show(self.page())
            sys.exit(0)
        if "--helpfull" in given:
            show(f"{self.page()}\n{FLAGS.get_help()}")
            sys.exit(0)
        try:
            _, *stray = FLAGS(argv)
        except flags.Error as error:
            if len(argv) == 1:
                print(self.page(), file=sys.stderr)
            self._refuse(self._explain(error))
        if stray:
            self._refuse(f"Unexpected arguments {stray}; a flag needs --.")

    def page(self) -> str:
        """What the command does, and its flags with their defaults."""
        text = (sys.modules[self.module].__doc__ or "").strip()
        listed = "\n".join(_describe(flag) for flag in self._own_flags())
        usage = f"usage: {self.program} [flags]"
        return "\n\n".join(filter(None, [text, usage, f"flags:\n{listed}"]))

    def _refuse(self, text: str) -> NoReturn:
        print(f"error: {text} See {self.program} --help.", file=sys.stderr)
        sys.exit(1)

    def _own_flags(self) -> list[flags.Flag]:
        own = FLAGS.get_key_flags_for_module(self.module)
        return sorted(own, key=lambda flag: flag.name)

    def _explain(self, error: flags.Error) -> str:
        """What is wrong, in words of this command line."""
        text = str(error)
        if isinstance(error, flags.UnrecognizedFlagError):
            own = [flag.name for flag in self._own_flags()]
            similar = did_you_mean(error.flagname, own, "--")
            text = f"There is no flag --{error.flagname}.{similar}"
        elif missing := _MISSING.findall(text):
            text = f"Missing: {', '.join(f'--{name}' for name in missing)}."
        return text


def _describe(flag: flags.Flag) -> str:
    """Names and meaning of a flag; in a line of its own its kind and default."""
    short = f"-{flag.short_name}, " if flag.short_name else ""
    name = f"--[no]{flag.name}" if flag.boolean else f"--{flag.name}"
    lines = textwrap.wrap(
        f"{short}{name}: {flag.help}",
        width=88,
        initial_indent="  ",
        subsequent_indent="      ",
        break_on_hyphens=False,
        break_long_words=False,
    )
    notes = [flag.parser.syntactic_help, _default(flag)]
    shown = " ".join(f"({note})" for note in notes if note)
    return "\n".join([*lines, f"      {shown}"] if shown else lines)


def _default(flag: flags.Flag) -> str:
    if any(_REQUIRED in validator.message for validator in flag.validators):
        return "required"
    default = (flag.default_as_str or "").strip("'")
    return f"default: {default}" if default else ""
