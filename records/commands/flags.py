"""The flags of `python -m records convert` that belong to one dataset or runner.

Nothing heavy is imported here: the command line answers `--help` at once.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

from deepresolve import entry, path_flags
from deepresolve.imaging.labels import parse_label_names

# The settings of each dataset: a flag each, of the same name, with its metavar (None
# for a flag without a value) and its help. They stay None unless given, so that the
# dataset's own default counts and another one's flag is refused.
DATASET_FLAGS = {
    "folder": {
        "source": ("DIR", "scans (NIfTI, DICOM folders, zips) at any depth, or one"),
        "labels": ("DIR", "label maps named as the scans; every scan needs one"),
        "label_names": (
            "V=NAME,...",
            "what the values in the label maps mean, such as '1=femoral cartilage,"
            "2=patellar cartilage'; needed with --labels",
        ),
        "image_pattern": (
            "PATTERN",
            "paths of the scans below --source, {id} for the part that is the id, * "
            "for any text: 'imagesTr/{id}_0000.nii.gz'",
        ),
        "label_pattern": (
            "PATTERN",
            "paths of the label maps in the same form, below --labels, else --source: "
            "'{id}_seg.nii.gz'",
        ),
        "ignore_label_affines": (
            None,
            "lay label maps on their scans voxel by voxel, for sets whose label maps "
            "have wrong affines; look at the contact sheet",
        ),
        "slice_axis": (
            "AXIS",
            "axis of the slices, 0, 1 or 2, where a header is wrong",
        ),
        "series": (
            "SERIES",
            "DICOM series to read where a scan holds several: its number or UID, or "
            "all, each as a scan of the same person",
        ),
        "echo": (
            "N|all",
            "DICOM echo to read where a scan holds several, from 1, or all",
        ),
        "volume": (
            "VOLUME",
            "volume of a DICOM series that holds several to read: its number, or what "
            "tells it from the others",
        ),
        "persons": (
            "CSV",
            "table with the columns subject, person[, side][, split] and, to choose in "
            "single scans, [, series][, echo][, volume]",
        ),
        "person_pattern": (
            "REGEX",
            "finds the person in a scan's name by its group (?P<person>...); without "
            "it or --persons scans are of one person where DICOM or BIDS says so",
        ),
    },
    "oai": {
        "source": ("DIR", "OAI's DICOM tree"),
        "contents": (
            "CSV",
            "contents table with the columns Folder, ParticipantID, SeriesDescription "
            "(default: each contents*.csv in --source or in a folder directly in it)",
        ),
        "series_descriptions": (
            "TEXT,...",
            "series to take (default: SAG_3D_DESS_LEFT,SAG_3D_DESS_RIGHT)",
        ),
        "labels": ("DIR", "contours of iMorphics, named as 9001104_V00.mat"),
        "slice_order": (
            "ORDER",
            "the slice of the first contours: left_to_right begins with the patient's "
            "leftmost (default), right_to_left with the rightmost; look at the contact "
            "sheet",
        ),
        "echo": ("N", "DICOM echo to read, from 1"),
        "volume": (
            "VOLUME",
            "volume of a DICOM series that holds several to read: its number, or what "
            "tells it from the others",
        ),
    },
    "iwoai": {
        "source": ("DIR", "the .im files, and the .seg files of the same names"),
        "spacing_mm": ("I,J,K", "of voxels (default: OAI's, 0.365,0.365,0.7)"),
        "orientation": (
            "CODES",
            "where rows, columns and slices grow to (default: IPR, down, to the back, "
            "to the patient's right)",
        ),
    },
    "phantom": {
        "num_subjects": ("N", "number of synthetic knees"),
        "phantom_shape": ("I,J,K", "voxels to the back, down and across (slices)"),
        "phantom_spacing_mm": ("I,J,K", "mm between voxel centres along those axes"),
    },
}
# Those of them that name what is there already.
PATH_FLAGS = ("source", "labels", "contents", "persons")
# The settings of each runner, in the form of `DATASET_FLAGS`.
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
# The names in `records.splits.PRESETS`.
SPLIT_PRESETS = ("published",)
# What each dataset cannot do without.
REQUIRED = {
    "folder": "source",
    "oai": "source",
    "iwoai": "source",
    "phantom": "num_subjects",
}
_TABLES = {"dataset": DATASET_FLAGS, "runner": RUNNER_FLAGS}


def add_own_flags(parser: argparse.ArgumentParser) -> None:
    """Adds the flags of every dataset and runner, grouped by whose they are."""
    for choice, table in _TABLES.items():
        groups = {}
        for name, owners in _owners(table).items():
            if tuple(owners) not in groups:
                title = f"with --{choice}={' or '.join(owners)}"
                groups[tuple(owners)] = parser.add_argument_group(title)
            _add(groups[tuple(owners)], name, owners)


def check_own_flags(parser: argparse.ArgumentParser, flags: argparse.Namespace) -> None:
    """Exits with 2 where a flag is missing or is another dataset's or runner's."""
    required = REQUIRED[flags.dataset]
    if getattr(flags, required) is None:
        parser.error(f"--dataset={flags.dataset} needs --{required}")
    for choice, table in _TABLES.items():
        for name, owners in _owners(table).items():
            given = getattr(flags, name) is not None
            if given and getattr(flags, choice) not in owners:
                whose = " or ".join(f"--{choice}={owner}" for owner in owners)
                parser.error(f"--{name} belongs to {whose}")


def _owners(table: dict) -> dict[str, dict[str, tuple]]:
    """By flag: whose it is, with the metavar and the help of each."""
    names = {name: {} for settings in table.values() for name in settings}
    for owner, settings in table.items():
        for name, described in settings.items():
            names[name][owner] = described
    return names


def _add(group, name: str, owners: dict[str, tuple]) -> None:
    metavars, texts = zip(*owners.values(), strict=True)
    text = texts[0]
    if len(set(texts)) > 1:
        text = "; ".join(f"{owner}: {owners[owner][1]}" for owner in owners)
    if metavars[0] is None:
        group.add_argument(f"--{name}", action="store_true", default=None, help=text)
    else:
        is_path = metavars[0] in _PATHS
        kind = _TYPES.get(name, path_flags.text if is_path else str)
        group.add_argument(f"--{name}", type=kind, metavar=metavars[0], help=text)


def num_shards(text: str) -> int | None:
    """A whole number from 1; None for auto."""
    return None if text == "auto" else entry.number(text)


def split(text: str) -> tuple[float, ...] | str:
    """Three percentages, or the name of a preset of `records.splits`."""
    if text in SPLIT_PRESETS:
        return text
    try:
        percentages = tuple(float(part) for part in text.split(","))
    except ValueError:
        percentages = ()
    if len(percentages) != 3:
        raise argparse.ArgumentTypeError(
            f"expected three percentages such as 70,20,10, or "
            f"{' or '.join(SPLIT_PRESETS)}; got {text!r}"
        )
    return percentages


def _echo(text: str) -> int | str:
    return text if text == "all" else entry.number(text)


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


def _texts(text: str) -> tuple[str, ...]:
    values = tuple(part.strip() for part in text.split(","))
    if not all(values):
        raise argparse.ArgumentTypeError(
            f"expected texts with commas between; got {text!r}"
        )
    return values


_PATHS = ("DIR", "CSV")  # metavars
_TYPES = {
    "label_names": _label_names,
    "slice_axis": int,
    "echo": _echo,
    "series_descriptions": _texts,
    "spacing_mm": _triple(float),
    "num_subjects": entry.number,
    "num_workers": entry.number,
    "phantom_shape": _triple(int),
    "phantom_spacing_mm": _triple(float),
}
