r"""Thickness, areas and volume of cartilage, from label maps.

    deepresolve measure --input=LABELS --output=thickness.csv \
        --workdir=pretrained:seg_knee
    deepresolve measure --input=LABELS --output=thickness.csv \
        --label_names='1=femoral cartilage,5=femur'

LABELS is a label map, or a folder of them; --workdir is the run that made them. The
table has a line for each plate of each knee, its regions and compartments, and each
meniscus, with names and quantities of the OAI's tables (docs/measuring.md). Lines of
knees that an earlier command measured stay, until a knee of that name is measured
again. A label map that cannot be measured is told and passed over, and the command then
ends with status 1.

--page=DIR writes a page of each knee for a browser, NAME.html: its numbers, thickness
on its bones, and the label map over the scan that --scan names.
"""

from __future__ import annotations

import collections
import math
import pathlib
import sys
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.commands import knee_pages
from deepresolve.runs import checks
from deepresolve.system import path_flags, paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(knee_pages)  # so that --help lists them
path_flags.define("input", None, "Label map, or a folder of them.")
path_flags.define("output", None, "Table to write or to add to, .csv.")
path_flags.define(
    "workdir", None, "Run, or pretrained:NAME, whose classes the values are."
)
flags.DEFINE_string(
    "label_names",
    None,
    "What the values mean: '1=femoral cartilage,2=medial tibial cartilage,5=femur'.",
)
flags.DEFINE_float(
    "weight_bearing",
    0.6,
    "Share of the way from the notch to the back of a condyle that its centre has; "
    "0.75 in some readings.",
    0.0,
    1.0,
)
flags.mark_flags_as_required(["input", "output"])


def run() -> int:
    """Measures all label maps; returns the exit status."""
    paths.check_input("--input", FLAGS.input)
    paths.check_output(FLAGS.output)
    if pathlib.Path(FLAGS.output).suffix.lower() != ".csv":
        raise ValueError(f"--output={FLAGS.output}: a table's name ends in .csv.")
    if not 0 < FLAGS.weight_bearing < 1:
        raise ValueError("--weight_bearing is above 0 and below 1.")
    names = _label_names()
    # After the flags: SciPy and scikit-image take longer to load than --help may take.
    from deepresolve.imaging import formats
    from deepresolve.prediction import scan_tables
    from deepresolve.quantification.knee import COLUMNS, measure
    from deepresolve.tasks.prediction import TableKind

    columns = {
        "place": str,
        **dict.fromkeys(COLUMNS, float),
        "weight_bearing": float,
    }
    kind = TableKind("cartilage", columns)
    output = pathlib.Path(FLAGS.output)
    scan_tables.read(output, kind)  # Refuses another table before any work is done.
    found = formats.find_scans(FLAGS.input)
    _check_apart(found)
    pages = knee_pages.plan([_name(path) for path in found], names)
    num_failed = 0
    for path in found:
        try:
            image = formats.read_image(path)
            label_map = formats.read_label_map(path, image=image)
            knee = measure(label_map, names, FLAGS.weight_bearing)
        except (ValueError, OSError) as error:
            num_failed += 1
            print(f"{path}: {error}", file=sys.stderr)
            continue
        rows: list[scan_tables.NamedRow] = [
            (
                *(_name(path), place),
                *(of_place.get(column, math.nan) for column in COLUMNS),
                knee.weight_bearing,
            )
            for place, of_place in knee.quantities.items()
        ]
        scan_tables.add(output, kind, rows)
        print(f"{path}: {knee.summary}")
        for note in knee.notes:
            print(f"note: {path}: {note}", file=sys.stderr)
        if pages is not None:
            num_failed += not pages.write(_name(path), path, label_map, knee)
    if num_failed and len(found) > 1:
        print(f"{num_failed} of {len(found)} label maps failed.", file=sys.stderr)
    return 1 if num_failed else 0


def _check_apart(found: Sequence[pathlib.Path]) -> None:
    """ValueError where two label maps would have one name in the table."""
    names = collections.Counter(map(_name, found))
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(
            f"Two label maps are named {twice[0]!r}: their lines would lie on each "
            "other. Move or rename one."
        )


def _label_names() -> Mapping[int, str]:
    """What the values mean.

    Raises:
      ValueError: neither flag, or both; no run of a segmentation; no names.
    """
    if (FLAGS.workdir is None) == (FLAGS.label_names is None):
        raise ValueError(
            "What the values of the label maps mean is told by --workdir, the run that "
            "made them (pretrained:seg_knee), or by --label_names: give one of both."
        )
    from deepresolve.imaging.labels import parse_label_names

    if FLAGS.label_names is not None:
        return parse_label_names(FLAGS.label_names)
    from deepresolve.runs.workdir import Workdir

    checks.check_workdir(FLAGS.workdir)
    outputs = Workdir(FLAGS.workdir).load_config().outputs
    if not outputs:
        raise ValueError(f"--workdir={FLAGS.workdir} is no run of a segmentation.")
    return dict(enumerate(outputs, start=1))


def _name(path: pathlib.Path) -> str:
    """The knee's: its path below the folder, without an ending."""
    from deepresolve.imaging import formats

    root = pathlib.Path(FLAGS.input)
    folder = path.parent.relative_to(root) if path != root else pathlib.Path()
    return (folder / formats.scan_stem(path)).as_posix()
