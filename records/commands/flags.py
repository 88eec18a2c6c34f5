"""The flags of `python -m records convert`.

Those that belong to one dataset or runner are defined by walking `DATASETS` and
`RUNNERS`. Nothing heavy is imported here: the command line answers `--help` at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from deepresolve.system import entry, path_flags
from records import settings, splits
from records.datasets import DATASETS
from records.runners import RUNNERS
from records.settings import Flag

_TABLES = {"dataset": DATASETS, "runner": RUNNERS}


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Adds all flags of `convert`."""
    parser.add_argument("--dataset", required=True, choices=DATASETS)
    parser.add_argument(
        *("-o", "--output"),
        required=True,
        type=path_flags.text,
        metavar="DIR",
        help="folder of the shards; may be a URL that TensorFlow reaches (gs://...)",
    )
    parser.add_argument(
        "--split",
        type=split,
        metavar="N,N,N|published",
        help="%% of persons in train, validation, test, or published: as in the paper, "
        "62, 17 and 9 of 88 persons (default: what the scans bring, by the table of "
        "--persons or their names, else 70,20,10)",
    )
    parser.add_argument(
        "--stratify",
        type=settings.texts,
        default=(),
        metavar="GRADE,...",
        help="deal persons so that each value of these grades has like shares in all "
        "splits, as far as whole persons allow",
    )
    parser.add_argument(
        "--num_shards",
        type=num_shards,
        default="auto",
        metavar="N",
        help="shards of each split, never more than subjects; auto: about 256 MiB a "
        "shard, but 8 shards where there are so many subjects (default)",
    )
    _add_flags_of_making(parser)
    for choice, table in _TABLES.items():
        _add_own_flags(parser, choice, settings.owners(table))


def _add_flags_of_making(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--runner",
        choices=RUNNERS,
        default="pool",
        help="who writes the shards: processes of this machine (default), or Apache "
        "Beam",
    )
    parser.add_argument(
        "--leave_out_bad",
        action="store_true",
        help="make the shards without the scans that cannot be used; they are listed, "
        "here and in the manifest (default: no set is made, and all of them are named)",
    )
    parser.add_argument("--compression", choices=("none", "gzip"), default="none")
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="of the split, the order, and phantoms (default: %(default)s)",
    )


def check_flags(parser: argparse.ArgumentParser, flags: argparse.Namespace) -> None:
    """Exits with 2 where a flag is missing or is another dataset's or runner's."""
    for choice, table in _TABLES.items():
        chosen = getattr(flags, choice)
        for name, flag in settings.flags_of(table[chosen]).items():
            if flag.is_required and getattr(flags, name) is None:
                parser.error(f"--{choice}={chosen} needs --{name}")
        for name, owners in settings.owners(table).items():
            if getattr(flags, name) is not None and chosen not in owners:
                whose = " or ".join(f"--{choice}={owner}" for owner in owners)
                parser.error(f"--{name} belongs to {whose}")


def given_paths(flags: argparse.Namespace) -> dict[str, str]:
    """By name of their flags the paths of what must be there."""
    kind = DATASETS[flags.dataset]
    return {
        name: path
        for name, flag in settings.flags_of(kind).items()
        if flag.is_path and (path := getattr(flags, name))
    }


def _add_own_flags(
    parser: argparse.ArgumentParser,
    choice: str,
    owners_of: Mapping[str, Mapping[str, Flag]],
) -> None:
    """Adds the flags of a table's entries, grouped by whose they are.

    They stay None unless given, so that the entry's own default counts and another
    one's flag is refused.
    """
    groups = {}
    for name, owners in owners_of.items():
        if tuple(owners) not in groups:
            title = f"with --{choice}={' or '.join(owners)}"
            groups[tuple(owners)] = parser.add_argument_group(title)
        _add(groups[tuple(owners)], name, owners)


def _add(group: argparse._ArgumentGroup, name: str, owners: Mapping[str, Flag]) -> None:
    first, *_ = owners.values()
    text = first.help
    if len({flag.help for flag in owners.values()}) > 1:
        text = "; ".join(f"{owner}: {flag.help}" for owner, flag in owners.items())
    if first.metavar is None:
        group.add_argument(f"--{name}", action="store_true", default=None, help=text)
    else:
        group.add_argument(
            f"--{name}", type=first.parse, metavar=first.metavar, help=text
        )


def num_shards(text: str) -> int | None:
    """A whole number from 1; None for auto."""
    return None if text == "auto" else entry.number(text)


def split(text: str) -> tuple[float, ...] | str:
    """Three percentages, or the name of a preset of `records.splits`."""
    if text in splits.PRESETS:
        return text
    try:
        percentages = tuple(float(part) for part in text.split(","))
    except ValueError:
        percentages = ()
    if len(percentages) != 3:
        raise argparse.ArgumentTypeError(
            f"expected three percentages such as 70,20,10, or "
            f"{' or '.join(splits.PRESETS)}; got {text!r}"
        )
    return percentages
