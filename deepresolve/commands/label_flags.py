"""What the values of a label map mean, as flags of a command tell it."""

from __future__ import annotations

from collections.abc import Mapping

from deepresolve.runs import checks


def names(workdir: str | None, label_names: str | None) -> Mapping[int, str]:
    """By value, from --workdir or --label_names.

    Args:
      workdir: the run that made the label map, or "pretrained:NAME".
      label_names: "1=femoral cartilage,5=femur".

    Raises:
      ValueError: neither, or both; no run of a segmentation; no names.
    """
    if (workdir is None) == (label_names is None):
        raise ValueError(
            "What the values of the label maps mean is told by --workdir, the run that "
            "made them (pretrained:seg_knee), or by --label_names: give one of both."
        )
    from deepresolve.imaging.labels import parse_label_names

    if label_names is not None:
        return parse_label_names(label_names)
    from deepresolve.runs.workdir import Workdir

    run = str(workdir)
    checks.check_workdir(run)
    outputs = Workdir(run).load_config().outputs
    if not outputs:
        raise ValueError(f"--workdir={workdir} is no run of a segmentation.")
    return dict(enumerate(outputs, start=1))
