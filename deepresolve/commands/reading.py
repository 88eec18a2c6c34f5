"""A blinded reader study: `deepresolve reading prepare | serve | analyse`.

Each command has its own --help.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from deepresolve.system import entry, path_flags, paths, tables
from deepresolve.system.command_line.parser import GroupParser


def parse_flags(argv: Sequence[str], program: str) -> argparse.Namespace:
    """Reads the command line; exits with 2 where it makes no sense.

    Args:
      argv: the program, and the arguments that follow it.
      program: how the command line begins: "deepresolve reading".
    """
    parser = GroupParser(
        program, "Readers score image sets side by side, blinded, in a browser."
    )
    _add_prepare_flags(
        parser.add("prepare", "Make a study of an evaluation's volumes.")
    )
    _add_serve_flags(parser.add("serve", "Open a study to its readers."))
    _add_analyse_flags(parser.add("analyse", "Open the key and report what was found."))
    return parser.parse_args(argv[1:])


def run(flags: argparse.Namespace) -> int:
    """Runs one command; returns its exit status."""
    _check_paths(flags)
    # Imports NumPy and more, which --help and a wrong flag must not wait for.
    from deepresolve.reading import commands

    return commands.COMMANDS[flags.command](flags)


def _check_paths(flags: argparse.Namespace) -> None:
    """OSError where there is nothing to read, or nothing can be written."""
    if flags.command == "prepare":
        paths.check_input("--evaluation", flags.evaluation)
        if flags.questions is not None:
            paths.check_input("--questions", flags.questions)
    else:
        paths.check_input("--study", flags.study)
    if flags.command != "serve":
        paths.check_output(flags.output)


def _add_prepare_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--evaluation",
        required=True,
        type=path_flags.path,
        metavar="DIR",
        help="the --output of an `evaluate.py --save_volumes`",
    )
    parser.add_argument(
        *("-o", "--output"),
        required=True,
        type=path_flags.path,
        metavar="STUDY",
        help="folder of the study; must not exist",
    )
    parser.add_argument(
        "--readers",
        type=_names,
        default=("reader 1", "reader 2"),
        metavar="NAME,...",
        help="who reads (default: reader 1,reader 2)",
    )
    parser.add_argument(
        "--image_sets",
        type=_names,
        default=("ground_truth", "sr", "tci"),
        metavar="SET,...",
        help="2 to 4 of ground_truth, sr, tci, fourier (default: the first three)",
    )
    _add_flags_of_reading(parser)


def _add_flags_of_reading(parser: argparse.ArgumentParser) -> None:
    """How often and what readers are asked."""
    parser.add_argument(
        "--num_cases",
        type=entry.number,
        metavar="N",
        help="how many to draw (default: all)",
    )
    parser.add_argument(
        "--repeats",
        type=entry.number,
        default=2,
        metavar="N",
        help="how often a reader sees each case (default: %(default)s)",
    )
    parser.add_argument(
        "--questions",
        type=path_flags.path,
        metavar="JSON",
        help="what is asked (default: diagnostic image quality, rank, sharpness, "
        "contrast, artefacts, signal-to-noise, overall quality, remarks)",
    )
    parser.add_argument(
        "--title",
        default="Reader study",
        metavar="TEXT",
        help="heading of the page (default: %(default)s)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="of the draw, the order and the placement; keep it to yourself (default: "
        "a random one, kept in the sealed key)",
    )


def _add_study_flag(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--study",
        required=True,
        type=path_flags.text,
        metavar="STUDY",
        help="folder made by `prepare`",
    )


def _add_serve_flags(parser: argparse.ArgumentParser) -> None:
    _add_study_flag(parser)
    parser.add_argument(
        "--port",
        type=_port,
        default=8765,
        metavar="N",
        help="(default: %(default)s; 0: any that is free)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen at; any but this machine's own loopback gives every "
        "reader a link with a token (default: %(default)s)",
    )
    parser.add_argument(
        "--tokens",
        action="store_true",
        help="links with tokens on the loopback address, too",
    )
    parser.add_argument(
        "--new_tokens",
        action="store_true",
        help="make new links; the old ones open nothing any more",
    )
    parser.add_argument(
        "--url",
        metavar="ADDRESS",
        help="at which readers reach a web server that passes requests on to this one, "
        "such as https://reading.hospital.org/; every reader gets a link with a token",
    )


def _add_analyse_flags(parser: argparse.ArgumentParser) -> None:
    _add_study_flag(parser)
    parser.add_argument(
        *("-o", "--output"),
        required=True,
        type=path_flags.text,
        metavar="DIR",
        help="local folder of the report; made if need be. It unblinds whoever sees it",
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in tables.normal(text).split(","))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected 0 to 65535; got {text!r}")
    return int(text)
