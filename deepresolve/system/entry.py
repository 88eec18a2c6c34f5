"""What every command line of ours does alike."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from absl import app
from absl import logging as absl_logging

from deepresolve.system import environment, interruption
from deepresolve.system.command_line.absl_flags import CommandLine
from deepresolve.system.interruption import Interrupted


def launch(
    run: Callable[..., int | None],
    flags_parser: Callable[[Sequence[str]], Any] | None = None,
    *,
    command_line: CommandLine | None = None,
    argv: list[str] | None = None,
) -> None:
    """Parses the flags, calls `run`, and ends with its status.

    TensorFlow must be imported within `run`: --help need not wait for it, and the
    user's machine is pinned before (`environment`). An
    error that a user can mend (ValueError, OSError) becomes one line and status 1. What
    a signal ended in good order ends with the status that shells give that signal.

    Args:
      run: the command; returns its exit status, None for 0.
      flags_parser: takes the command line and gives what `run` is called with, such as
        the `parse_args` of a `command_line.parser.GroupParser`; by default absl's flags
        are parsed and `run` is called without arguments.
      command_line: whose flags are absl's; by default those of the script.
      argv: the program and its arguments; by default those of the process.
    """
    absl_flags = command_line or CommandLine(f"python {sys.argv[0]}")

    def main(parsed: Any) -> None:
        # A file's name that the terminal cannot write must not end the work.
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.reconfigure(errors="backslashreplace")
        absl_logging.set_verbosity(absl_logging.WARNING)
        logging.getLogger("deepresolve").setLevel(logging.INFO)
        interruption.repeat_what_finalizers_pass_over()
        try:
            for note in environment.pin():
                print(f"note: {note}", file=sys.stderr)
            status = run() if flags_parser is None else run(parsed)
        except (ValueError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            _end_at_once(1)
        except (KeyboardInterrupt, ImportError) as error:
            # One that comes while a module in C is loaded causes an ImportError.
            cause = error.__cause__ if isinstance(error, ImportError) else error
            if not isinstance(cause, KeyboardInterrupt):
                raise
            if isinstance(cause, Interrupted):
                print(f"\n{cause}", file=sys.stderr)
                _end_at_once(cause.status)
            print("\nInterrupted.", file=sys.stderr)
            status = 130  # as a shell reports SIGINT
        sys.exit(status)

    app.run(main, argv, flags_parser=flags_parser or absl_flags.parse)


def number(text: str) -> int:
    """A whole number from 1, for a flag; argparse tells of any other text."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected 1, 2, 3, ...; got {text!r}")
    return int(text)


def _end_at_once(status: int) -> None:
    """Ends a process that cannot go on, whatever threads it still has.

    TensorFlow's input threads, cut off in the middle of a volume, have been seen to
    keep the interpreter from ending.
    """
    environment.remove_temporaries()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    os._exit(status)
