"""Trains a network on records: `deepresolve train`, for who works in a clone."""

from deepresolve.commands import train
from deepresolve.system import entry
from deepresolve.system.command_line.absl_flags import CommandLine

if __name__ == "__main__":
    entry.launch(train.run, command_line=CommandLine("python train.py", train.__name__))
