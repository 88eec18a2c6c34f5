"""Flags that say what a label map of a knee holds, and how it is divided."""

from __future__ import annotations

from collections.abc import Mapping

from absl import flags

from deepresolve.runs import checks
from deepresolve.system import path_flags

FLAGS = flags.FLAGS

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
flags.DEFINE_enum(
    "side",
    "",
    ["", "right", "left"],
    "Which knee it is, where no label says which side is medial (OAI-ZIB).",
)


def check() -> None:
    """ValueError of a share that is none."""
    if not 0 < FLAGS.weight_bearing < 1:
        raise ValueError("--weight_bearing is above 0 and below 1.")


def names(are_told: bool = False) -> Mapping[int, str]:
    """What each value means, from --workdir or --label_names.

    Args:
      are_told: whether the label maps tell it themselves, as DICOM segmentations do:
        without a flag there are none here.

    Raises:
      ValueError: neither, or both; no run of a segmentation; no names.
    """
    workdir, label_names = FLAGS.workdir, FLAGS.label_names
    if are_told and workdir is None and label_names is None:
        return {}
    if (workdir is None) == (label_names is None):
        raise ValueError(
            "What the values of the label maps mean is told by --workdir, the run that "
            "made them (pretrained:seg_knee), or by --label_names: give one of both."
        )
    from deepresolve.imaging.labels import parse_label_names

    if label_names is not None:
        return parse_label_names(label_names)
    from deepresolve.runs.workdir import Workdir

    checks.check_workdir(workdir)
    outputs = Workdir(workdir).load_config().outputs
    if not outputs:
        raise ValueError(f"--workdir={workdir} is no run of a segmentation.")
    return dict(enumerate(outputs, start=1))
