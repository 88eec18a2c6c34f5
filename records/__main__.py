"""Scans to shards: `python -m records convert | verify | inspect`.

Each command has its own --help, which answers without waiting for TensorFlow.
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Sequence

from absl.flags import argparse_flags

from deepresolve import entry
from deepresolve.imaging.labels import parse_label_names

# The settings of each dataset: a flag each, of the same name. They stay None unless
# given, so that the dataset's own default counts and another one's flag is refused.
DATASET_FLAGS = {
    "folder": {
        "source": ("DIR", "scans (NIfTI, DICOM folders, zips) at any depth, or one"),
        "labels": ("DIR", "label maps named as the scans; every scan needs one"),
        "label_names": (
            "V=NAME,...",
            "what the values in the label maps mean, such as '1=femoral cartilage,"
            "2=patellar cartilage'; needed with --labels",
        ),
        "slice_axis": (
            "AXIS",
            "axis of the slices, 0, 1 or 2, where a header is wrong",
        ),
        "series": ("SERIES", "DICOM series to read: its number or UID"),
        "echo": ("N", "DICOM echo to read, from 1"),
        "persons": ("CSV", "table with the columns subject, person[, side][, split]"),
        "person_pattern": (
            "REGEX",
            "finds the person in a scan's name by its group (?P<person>...); without "
            "it or --persons every scan is its own person",
        ),
    },
    "phantom": {
        "num_subjects": ("N", "number of synthetic knees"),
        "phantom_shape": ("I,J,K", "voxels to the back, down and across (slices)"),
        "phantom_spacing_mm": ("I,J,K", "mm between voxel centres along those axes"),
    },
}
# Those of each runner, likewise.
RUNNER_FLAGS = {
    "pool": {
        "num_workers": ("N", "processes; each holds one scan in memory (default: 2)"),
    },
    "beam": {
        "beam_options": (
            "TEXT",
            "options of the pipeline, in quotes: '--runner=DataflowRunner "
            "--project=NAME ...' (default: one worker on this machine)",
        ),
    },
}
_OWN_FLAGS = {"dataset": DATASET_FLAGS, "runner": RUNNER_FLAGS}
_REQUIRED = {"folder": "source", "phantom": "num_subjects"}


def parse_flags(argv: Sequence[str]) -> argparse.Namespace:
    """Reads the command line; exits with 2 where it makes no sense."""
    parser = argparse_flags.ArgumentParser(
        prog="python -m records",
        description="Makes, checks and shows shards of scans.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    convert = _add_command(
        commands, "convert", "Make shards of scans, or complete them."
    )
    _add_convert_flags(convert)
    verify = _add_command(commands, "verify", "Read every byte and name what is wrong.")
    _add_records_flag(verify)
    inspect = _add_command(
        commands, "inspect", "Print what shards hold and draw a contact sheet."
    )
    _add_records_flag(inspect)
    inspect.add_argument(
        "--figure", metavar="PNG", help="default: contact_sheet.png beside the shards"
    )
    inspect.add_argument(
        "--max_subjects",
        type=_number,
        default=64,
        metavar="N",
        help="draw so many of them at most (default: %(default)s)",
    )
    flags = parser.parse_args(argv[1:])
    if flags.command == "convert":
        _check_own_flags(convert, flags)
    return flags


def run(flags: argparse.Namespace) -> int:
    """Runs one command; returns its exit status."""
    # No command has a use for a GPU; worker processes inherit this.
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    # Imports TensorFlow, which --help and a wrong flag must not wait for.
    from records import commands

    return commands.COMMANDS[flags.command](flags)


def _add_command(commands, name: str, text: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=text,
        description=text,
        usage=f"python -m records {name} [flags]",
        allow_abbrev=False,
    )


def _add_records_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--records", required=True, metavar="DIR", help="folder of the shards"
    )


def _add_convert_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, choices=DATASET_FLAGS)
    parser.add_argument(
        "--output",
        required=True,
        metavar="DIR",
        help="folder of the shards; may be a URL that TensorFlow reaches (gs://...)",
    )
    parser.add_argument(
        "--split",
        type=_split,
        metavar="N,N,N",
        help="%% of persons in train, validation, test (default: what the table of "
        "--persons says, else 70,20,10)",
    )
    parser.add_argument(
        "--num_shards",
        type=_num_shards,
        default="auto",
        metavar="N",
        help="shards of each split, never more than subjects; auto: about 256 MiB a "
        "shard, but 8 shards where there are so many subjects (default)",
    )
    parser.add_argument(
        "--runner",
        choices=RUNNER_FLAGS,
        default="pool",
        help="who writes the shards: processes of this machine (default), or Apache "
        "Beam",
    )
    parser.add_argument("--compression", choices=("none", "gzip"), default="none")
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of the split, the order, and phantoms (default: %(default)s)",
    )
    types = {
        "label_names": _label_names,
        "slice_axis": int,
        "echo": _number,
        "num_subjects": _number,
        "num_workers": _number,
        "phantom_shape": _triple(int),
        "phantom_spacing_mm": _triple(float),
    }
    for choice, table in _OWN_FLAGS.items():
        for owner, settings in table.items():
            group = parser.add_argument_group(f"with --{choice}={owner}")
            for name, (metavar, text) in settings.items():
                kind = types.get(name, str)
                group.add_argument(f"--{name}", type=kind, metavar=metavar, help=text)


def _check_own_flags(
    parser: argparse.ArgumentParser, flags: argparse.Namespace
) -> None:
    required = _REQUIRED[flags.dataset]
    if getattr(flags, required) is None:
        parser.error(f"--dataset={flags.dataset} needs --{required}")
    for choice, table in _OWN_FLAGS.items():
        for owner, settings in table.items():
            for name in settings:
                given = getattr(flags, name) is not None
                if given and owner != getattr(flags, choice):
                    parser.error(f"--{name} belongs to --{choice}={owner}")


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected 1, 2, 3, ...; got {text!r}")
    return int(text)


def _num_shards(text: str) -> int | None:
    return None if text == "auto" else _number(text)


def _split(text: str) -> tuple[float, ...]:
    try:
        percentages = tuple(float(part) for part in text.split(","))
    except ValueError:
        percentages = ()
    if len(percentages) != 3:
        raise argparse.ArgumentTypeError(
            f"expected three percentages such as 70,20,10; got {text!r}"
        )
    return percentages


def _label_names(text: str) -> dict[int, str]:
    try:
        return parse_label_names(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _triple(kind: type) -> Callable[[str], tuple]:
    def parse(text: str) -> tuple:
        try:
            values = tuple(kind(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != 3 or not all(0 < value < math.inf for value in values):
            raise argparse.ArgumentTypeError(
                f"expected three numbers above 0, with commas; got {text!r}"
            )
        return values

    return parse


if __name__ == "__main__":
    entry.launch(run, parse_flags)
