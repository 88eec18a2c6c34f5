"""Runs to give to commands."""

from trained import (  # noqa: F401 (fixtures)
    one_convolution,
    seg_workdir,
    silent_workdir,
    threshold,
)
