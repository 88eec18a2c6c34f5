r"""Where a network that learned from pieces of scans sees lesions, in whole scans.

    deepresolve lesions --workdir=RUN --input=SCAN --output=FOLDER

RUN was trained on pieces along the cartilage or around the menisci (records convert
--dataset=rois; presets cartilage_lesion and meniscus_tear). SCAN, or each scan of a
folder, is segmented by --segment_workdir, cut into such pieces, and each is graded.
With --label_map, a label map or a folder with one of each scan's name, nothing is
segmented; its values are those of --segment_workdir, or what --label_names says. A
DICOM segmentation names its own.

FOLDER/lesions.csv gets a line for each piece: its plate or meniscus, its region, where
it lies in the world and on the plate laid flat, and the probability. Along the
cartilage NAME_GRADE.nii.gz has it in the voxels of cartilage, and NAME_GRADE.png on the
unrolled plates. A scan that cannot be graded is told and passed over, and the command
then ends with status 1. See docs/grading.md.
"""

from __future__ import annotations

import pathlib
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.runs import checks
from deepresolve.system import interruption, path_flags, paths

if TYPE_CHECKING:
    from deepresolve.imaging.volume import Volume
    from deepresolve.tasks.classification.regions import RegionGrader

FLAGS = flags.FLAGS

path_flags.define("workdir", None, "Folder of the run that learned from pieces.")
flags.DEFINE_enum(
    "checkpoint", "best", ["best", "last"], "Best validation score, or last epoch."
)
path_flags.define("input", None, "A scan, or a folder of scans.")
path_flags.define("output", None, "Folder for the table, maps and figures.")
path_flags.define(
    "segment_workdir",
    "pretrained:seg_knee",
    "The run that segments, or pretrained:NAME; with --label_map, that made it.",
)
path_flags.define(
    "label_map",
    None,
    "Label map of the scan, or a folder with one of each scan's name, instead.",
)
flags.DEFINE_string(
    "label_names",
    None,
    "With --label_map: what the values mean: '1=femoral cartilage,5=femur'.",
)
flags.DEFINE_enum(
    "side",
    "",
    ["", "right", "left"],
    "Which knee it is, where no label says which side is medial.",
)
flags.mark_flags_as_required(["workdir", "input", "output"])

# From a scan and its path to its label map, and what the values mean.
_Labelled = Callable[["Volume", pathlib.Path], "tuple[Volume, Mapping[int, str]]"]


def run() -> int:
    """Grades all scans; returns the exit status."""
    paths.check_input("--input", FLAGS.input)
    checks.check_workdir(FLAGS.workdir)
    if FLAGS.label_names is not None and FLAGS.label_map is None:
        raise ValueError("--label_names: only with --label_map.")
    if FLAGS.label_map is not None:
        paths.check_input("--label_map", FLAGS.label_map)
    paths.check_apart(FLAGS.output, FLAGS.input)
    paths.check_output_folder(FLAGS.output)
    from deepresolve.imaging import formats
    from deepresolve.prediction import region_files, scan_tables
    from deepresolve.tasks.classification import regions
    from deepresolve.tasks.trained_run import TrainedRun

    interruption.raise_on_sigterm()
    # Refuses another table before any work is done.
    table = pathlib.Path(FLAGS.output) / region_files.TABLE_FILE
    scan_tables.read(table, regions.KIND)
    grader = regions.RegionGrader(TrainedRun.open(FLAGS.workdir, FLAGS.checkpoint))
    labelled = _labelled()
    found = formats.find_scans(FLAGS.input)
    num_failed = sum(not _graded(path, grader, labelled) for path in found)
    if num_failed and len(found) > 1:
        print(f"{num_failed} of {len(found)} scans failed.", file=sys.stderr)
    return 1 if num_failed else 0


def _graded(path: pathlib.Path, grader: RegionGrader, labelled: _Labelled) -> bool:
    """Grades one scan and tells of it; False where it cannot be graded."""
    from deepresolve.imaging import formats
    from deepresolve.prediction import region_files
    from deepresolve.prediction.measured_map import knee_name

    try:
        scan = formats.read_image(path)
        graded = grader.grade(scan, *labelled(scan, path), FLAGS.side)
    except (ValueError, OSError) as error:
        start = f"{path}: "
        print(f"{start}{str(error).removeprefix(start)}", file=sys.stderr)
        return False
    name = knee_name(pathlib.Path(FLAGS.input), path)
    region_files.write(pathlib.Path(FLAGS.output), name, graded)
    print(f"{path}: {graded.summary}", flush=True)
    for note in graded.knee.notes:
        print(f"note: {path}: {note}", file=sys.stderr)
    return True


def _labelled() -> _Labelled:
    """Where label maps come from: files, or a network that segments."""
    checks.check_workdir(FLAGS.segment_workdir)
    if FLAGS.label_map is not None:
        return _read
    from deepresolve.tasks.prediction import Labels
    from deepresolve.tasks.trained_run import TrainedRun

    segmenter = TrainedRun.open(FLAGS.segment_workdir)
    if not isinstance(segmenter.predictor().kind, Labels):
        raise ValueError(
            f"--segment_workdir={FLAGS.segment_workdir} is no run of a segmentation."
        )

    def segmented(scan: Volume, path: pathlib.Path) -> tuple[Volume, Mapping[int, str]]:
        prediction = segmenter.predict(scan)
        return prediction.label_map, prediction.labels.label_names

    return segmented


def _read(scan: Volume, path: pathlib.Path) -> tuple[Volume, Mapping[int, str]]:
    """The label map that lies under a scan's name, and what its values mean."""
    from deepresolve.imaging.labels import format_label_names, parse_label_names
    from deepresolve.prediction.label_map_files import read_label_map
    from deepresolve.runs.workdir import Workdir

    label_map, own_names = read_label_map(_label_file(path))
    if FLAGS.label_names is not None:
        return label_map, parse_label_names(FLAGS.label_names)
    if own_names:
        return label_map, own_names
    outputs = Workdir(FLAGS.segment_workdir).load_config().outputs
    names = dict(enumerate(outputs, start=1))
    print(
        f"note: {path}: nothing says what the values of its label map mean; taken for "
        f"those of {FLAGS.segment_workdir}, {format_label_names(names)} (else "
        "--label_names)",
        file=sys.stderr,
    )
    return label_map, names


def _label_file(path: pathlib.Path) -> pathlib.Path:
    """The label map of a scan; ValueError where the folder has none of that name."""
    root = pathlib.Path(FLAGS.label_map)
    if not root.is_dir() or pathlib.Path(FLAGS.input) == path:
        return root
    found = root / path.relative_to(FLAGS.input)
    if not found.exists():
        raise ValueError(
            f"--label_map={root} has no {path.relative_to(FLAGS.input)}: it is to hold "
            "a label map of each scan's name."
        )
    return found
