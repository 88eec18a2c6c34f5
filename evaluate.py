"""Measures networks: `deepresolve evaluate`, for who works in a clone."""

from deepresolve.commands import evaluate
from deepresolve.system import entry
from deepresolve.system.command_line.absl_flags import CommandLine

if __name__ == "__main__":
    entry.launch(
        evaluate.run, command_line=CommandLine("python evaluate.py", evaluate.__name__)
    )
