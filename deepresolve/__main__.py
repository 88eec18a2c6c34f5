"""`deepresolve COMMAND`, also as `python -m deepresolve COMMAND`."""

from __future__ import annotations

import sys

import deepresolve
from deepresolve import commands
from deepresolve.system.command_line import show
from deepresolve.system.command_line.suggestions import did_you_mean


def main() -> None:
    """Runs the command that is named, or says what there is."""
    name, *arguments = sys.argv[1:] or ["--help"]
    if name in commands.COMMANDS:
        commands.start(name, arguments)
    elif name in ("--help", "-h", "help"):
        show(commands.overview())
    elif name == "--version":
        print(f"deepresolve {deepresolve.__version__}")
    else:
        similar = did_you_mean(name, commands.COMMANDS)
        print(
            f"error: There is no command {name}.{similar} See deepresolve --help.",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
