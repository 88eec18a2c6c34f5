"""Runs and volumes to try tasks on."""

from held_out import make_subject  # noqa: F401 (fixtures)
from labelled import (  # noqa: F401 (fixtures)
    ball_and_brick,
    dice,
    labelled_data,
    sagittal,
)
from trained import (  # noqa: F401 (fixtures)
    one_convolution,
    seg_workdir,
    silent_workdir,
    threshold,
    views_workdir,
)
