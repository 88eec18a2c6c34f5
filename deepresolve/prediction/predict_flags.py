"""Flags of `predict`, and what they say together."""

from __future__ import annotations

from absl import flags

from deepresolve.prediction import model_flags
from deepresolve.system import path_flags

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(model_flags)  # so that --help lists them
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
    "dtype",
    "auto",
    ["auto", "float32", "bfloat16"],
    "What the network computes in: float32 is exact; bfloat16 is up to twice as fast "
    "where the processor has it. auto takes it there for super-resolution, which loses "
    "less than 0.01 dB, and float32 for label maps, of which it moves a voxel in 1000.",
)
flags.DEFINE_enum(
    "runner",
    "local",
    ["local", "beam"],
    "Who does the work: this process, or the workers of Apache Beam.",
)
flags.DEFINE_string(
    "beam_options",
    "",
    "With --runner=beam: options of its pipeline, in quotes, such as "
    "'--runner=DataflowRunner --project=NAME'. Without any: on this machine.",
)

flags.DEFINE_enum(
    "output_format",
    "nifti",
    ["nifti", "dicom"],
    "DICOM, for DICOM scans: a derived series, or a DICOM segmentation (needs "
    "highdicom), in the study of the scan.",
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
flags.DEFINE_enum(
    "spread",
    "none",
    ["none", "report", "volume"],
    "How far results change with the mirror image of the scan, in NAME_trust.json; "
    "volume: also for each voxel, as NAME_spread.nii.gz. Super-resolution takes three "
    "times as long for it, segmentation twice; with --flips it costs nothing.",
)

flags.DEFINE_integer(
    "downsample_factor",
    None,
    "Super-resolution: thin slices per thick slice spacing. Needed if the network "
    "knows several.",
)
flags.DEFINE_enum(
    "output_dtype",
    "input",
    ["input", "float32"],
    "Super-resolution: voxels as the scan's own type (integers are rounded), or "
    "unrounded float32.",
)

flags.DEFINE_bool(
    "probabilities",
    False,
    "Segmentation: also write each class's probability as float32.",
)
flags.DEFINE_bool(
    "flips",
    False,
    "Segmentation: average with the mirror image, left for right; twice the time.",
)
flags.DEFINE_bool(
    "keep_largest",
    False,
    "Segmentation: of each class keep the largest connected component alone (26 "
    "neighbours).",
)
flags.DEFINE_list(
    "window",
    None,
    "Segmentation: ROWS,COLUMNS,SLICES that go through the network at once. By "
    "default as many whole slices as fit into --memory_gib, best all.",
)
flags.DEFINE_float(
    "memory_gib",
    4.0,
    "Segmentation: memory for what the network holds at once, in GiB. Windows are "
    "never smaller than a training patch, whatever that takes.",
    lower_bound=0.1,
)
flags.mark_flags_as_required(["input", "output"])

# Flags of one task; all others are for both.
_OWN_FLAGS = {
    "super_resolution": ("downsample_factor", "output_dtype"),
    "segmentation": ("probabilities", "flips", "keep_largest", "window", "memory_gib"),
}

# Of an anonymous command no other is told: paths and UIDs may name someone.
_HARMLESS_FLAGS = {
    *("anonymize", "checkpoint", "downsample_factor", "dtype", "echo"),
    *("output_dtype", "output_format", "pretrained", "runner", "slice_axis"),
    "spread",
}


def check(task: str) -> None:
    """ValueError where a flag is given that means nothing for `task` or the runner."""
    if FLAGS["beam_options"].present and FLAGS.runner != "beam":
        raise ValueError("--beam_options: only with --runner=beam.")
    for owner, names in _OWN_FLAGS.items():
        given = [f"--{name}" for name in names if FLAGS[name].present]
        if owner != task and given:
            raise ValueError(
                f"{', '.join(given)}: only for a run of {owner}; "
                f"{model_flags.workdir()} is one of {task}. Leave out, or choose "
                "another --workdir."
            )


def command() -> tuple[str, ...]:
    """The command line; with --anonymize without the flags that may name someone."""
    given = [FLAGS[name] for name in sorted(FLAGS) if FLAGS[name].present]
    shown = [f for f in given if not FLAGS.anonymize or f.name in _HARMLESS_FLAGS]
    return (
        *("python", "-m", "deepresolve.prediction.predict"),
        *(flag.serialize() for flag in shown),
    )


def window() -> tuple[int, ...] | None:
    """`--window` as numbers; ValueError where it holds others."""
    if FLAGS.window is None:
        return None
    try:
        return tuple(int(part) for part in FLAGS.window)
    except ValueError:
        raise ValueError(
            "--window takes three whole numbers separated by commas; got "
            f"{','.join(FLAGS.window)!r}."
        ) from None
