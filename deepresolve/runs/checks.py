"""Whether a path is a run's workdir, seen before anything heavy is loaded."""

from __future__ import annotations

from deepresolve.runs import pretrained
from deepresolve.system import paths


def no_workdir(path: str) -> str:
    """What is wrong with a folder that is no workdir."""
    return (
        f"{path} is no workdir: it has no config.json. Give the --workdir that "
        "train.py wrote."
    )


def check_workdir(path: str) -> None:
    """ValueError unless a run is there; "pretrained:NAME" is one of the package."""
    paths.check_encoding(path)
    if not paths.holds(pretrained.resolve(path), "config.json"):
        raise ValueError(no_workdir(path))
