"""Flags of `predict`, and what they say together."""

from __future__ import annotations

import collections
import dataclasses
import pathlib
import typing
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from absl import flags

from deepresolve.commands import model_flags, runner_flags
from deepresolve.config.tasks import TASKS, part
from deepresolve.system import path_flags
from deepresolve.tasks.options import Options, WindowOptions, field_types
from deepresolve.tasks.super_resolution.options import PASSING_FOLDER

if TYPE_CHECKING:
    from deepresolve.tasks.trained_run import TrainedRun

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(model_flags)  # so that --help lists them
flags.adopt_module_key_flags(runner_flags)
path_flags.define("input", None, "A scan, or a folder of scans.")
path_flags.define(
    "output",
    None,
    "A .nii or .nii.gz file; a folder for several, or for a DICOM series.",
)
flags.DEFINE_integer(
    "slice_axis",
    None,
    "0, 1 or 2 in the scan's own axes, where its header is wrong.",
    lower_bound=0,
    upper_bound=2,
)
flags.DEFINE_string("series", None, "DICOM: series number, or end of the series UID.")
flags.DEFINE_integer("echo", None, "DICOM: number of the echo, from 1.")
flags.DEFINE_string(
    "volume",
    None,
    "DICOM: which volume of a series that holds several, such as the water and fat of "
    "Dixon: its number, or what tells it from the others. The message lists them.",
)
flags.DEFINE_enum(
    "output_format",
    "nifti",
    ["nifti", "dicom"],
    "DICOM, for DICOM scans: a derived series, or a DICOM segmentation or a report of "
    "grades (both need highdicom), in the study of the scan.",
)
flags.DEFINE_bool(
    "anonymize", False, "DICOM output without patient, dates, places and old UIDs."
)

path_flags.define(
    "preview",
    None,
    "Also show the result beside its scan: a .png or .html file; or png or html alone "
    "for NAME_preview.png or .html beside each result.",
)
flags.DEFINE_bool(
    "segment",
    False,
    "Also segment the thin slices that are computed: NAME_label_map.nii.gz.",
)
path_flags.define(
    "segment_workdir",
    "pretrained:seg_knee",
    "With --segment: the run that segments, or pretrained:NAME.",
)
flags.DEFINE_enum(
    "label_grid",
    "thin",
    ["thin", "thick", "both"],
    "With --segment: slices of the label map, the computed ones, the scan's own "
    "(NAME_label_map_thick.nii.gz), or one label map of either.",
)
flags.mark_flags_as_required(["input", "output"])

# Of an anonymous command no other is told beside options, which are numbers and
# choices: paths and UIDs may name someone.
_HARMLESS_FLAGS = (
    *("anonymize", "checkpoint", "echo", "label_grid", "output_format", "pretrained"),
    *("runner", "segment", "slice_axis"),
)

# What --segment does not write, and what each network decides for itself.
_OF_FIRST = ("dtype", "probabilities", "spread")

_OF_TASKS: dict[str, type[Options]] = {
    name: part(name, "options").Options for name in TASKS
}
_NUMBERS: dict[type, Callable[..., Any]] = {
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
}


def _define_options() -> None:
    """A flag for each option: of every task, of some networks, of each task alone."""
    for field in dataclasses.fields(Options):
        _define(Options, field, field.metadata["help"])
    apart: tuple[type[Options], ...] = (WindowOptions, *_OF_TASKS.values())
    for options in apart:
        for field in options.own_fields():
            text = f"{options.title}: {field.metadata['help']}"
            _define(options, field, text)


def _define(options: type[Options], field: dataclasses.Field, text: str) -> None:
    name, kind = field.name, field_types(options)[field.name]
    default: Any = field.default
    if typing.get_origin(kind) is Literal:
        flags.DEFINE_enum(name, default, list(typing.get_args(kind)), text)
    elif typing.get_origin(kind) is tuple:
        flags.DEFINE_list(name, default, text)
    elif kind is bool:
        flags.DEFINE_bool(name, default, text)
    elif kind is str:
        path_flags.define(name, default, text)  # texts are paths, or stand for one
    else:
        lowest = field.metadata["minimum"]
        _NUMBERS[kind](name, default, text, lower_bound=lowest)


_define_options()


def learning(num_scans: int) -> dict[str, str]:
    """What is learned of scans, where the flags do not say it.

    Without a network of one's own a lone scan is learned from. What is known of a scan
    while it is learned from lies beside the output, of several scans in its folder.

    Args:
      num_scans: that there are.
    """
    options = {}
    own = FLAGS.workdir or FLAGS.pretrained
    if not own and not FLAGS["learn"].present and num_scans == 1:
        options["learn"] = "scan"
    learns = (options.get("learn") or FLAGS.learn) == "scan"
    if learns and FLAGS.learn_folder is None:
        output = pathlib.Path(FLAGS.output).absolute()
        folder = output if num_scans > 1 else output.parent
        options["learn_folder"] = str(folder / PASSING_FOLDER)
    return options


def check(
    run: TrainedRun,
    takers: Callable[[str], Sequence[str]],
    segmenter: TrainedRun | None,
) -> None:
    """Refuses flags that mean nothing for a run or for the runner.

    Args:
      run: whose network takes the scans.
      takers: the tasks for which an option means something.
      segmenter: whose network takes what that one gives; None without.

    Raises:
      ValueError: one is given.
    """
    runner_flags.check()
    for name in ("segment_workdir", "label_grid"):
        if FLAGS[name].present and not FLAGS.segment:
            raise ValueError(f"--{name}: only with --segment.")
    misplaced = collections.defaultdict(list)
    of_segmenter = segmenter_options(segmenter) if segmenter else {}
    for name in _option_names():
        if FLAGS[name].present and not run.takes(name) and name not in of_segmenter:
            misplaced[" or ".join(takers(name))].append(f"--{name}")
    for owners, given in misplaced.items():
        raise ValueError(
            f"{', '.join(given)}: only for a run of {owners}; {model_flags.workdir()} "
            f"is one of {run.config.task} ({run.config.model}). Leave out, or choose "
            "another --workdir."
        )


def segmenter_options(run: TrainedRun) -> dict[str, Any]:
    """Options that were given, of the network that --segment puts behind the first."""
    return {
        name: FLAGS[name].value
        for name in _option_names()
        if FLAGS[name].present and run.takes(name) and name not in _OF_FIRST
    }


def _option_names() -> list[str]:
    every = _OF_TASKS.values()
    return sorted({field.name for of in every for field in dataclasses.fields(of)})


def _texts(options: type[Options]) -> list[str]:
    """The options that are texts, which may hold paths."""
    return [name for name, kind in field_types(options).items() if kind is str]


def options(task: str) -> dict[str, Any]:
    """What the flags say of the options of a task, by name.

    Raises:
      ValueError: a list holds something else than numbers.
    """
    kinds = field_types(_OF_TASKS[task])
    return {name: _value(name, kind) for name, kind in kinds.items()}


def _value(name: str, kind: Any) -> Any:
    value = FLAGS[name].value
    if value is None or typing.get_origin(kind) is not tuple:
        return value
    try:
        return tuple(int(part) for part in value)
    except ValueError:
        raise ValueError(
            f"--{name} takes three whole numbers separated by commas; got "
            f"{','.join(value)!r}."
        ) from None


def command() -> tuple[str, ...]:
    """The command line; with --anonymize without the flags that may name someone."""
    # One that has a short name, too, is under both.
    flags_by_name = {FLAGS[name].name: FLAGS[name] for name in FLAGS}
    given = [flag for _, flag in sorted(flags_by_name.items()) if flag.present]
    texts = {name for of in _OF_TASKS.values() for name in _texts(of)}
    harmless = {*_HARMLESS_FLAGS, *_option_names()} - texts
    shown = [f for f in given if not FLAGS.anonymize or f.name in harmless]
    return (
        *("deepresolve", "predict"),
        *(flag.serialize() for flag in shown),
    )
