"""From trained runs and held-out subjects to a plan; refuses what cannot be measured.

Networks take seconds to load: all that their configs tell is checked first.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from deepresolve import presets
from deepresolve.config import Config
from deepresolve.evaluation.held_out import HeldOut, trained_on_others
from deepresolve.evaluation.table_1.plan import Network, Plan
from deepresolve.networks import find_model
from deepresolve.tasks.segmentation.classes import Classes
from deepresolve.tasks.segmentation.segmenter import Segmenter
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.super_resolution import predictor as super_resolution
from deepresolve.tasks.super_resolution.options import Options
from deepresolve.tasks.trained_run import TrainedRun


@dataclasses.dataclass(frozen=True)
class Settings:
    """How the networks are run.

    Attributes:
      checkpoint: "best" or "last".
      downsample_factor: thin slices per thick slice spacing; None: that of the
        super-resolution, or scans are not thickened.
      flips: average segmentations with the mirror image, left for right, where the
        network sees more than one slice at a time.
    """

    checkpoint: str = "best"
    downsample_factor: int | None = None
    flips: bool = False


class Planned(NamedTuple):
    """A plan and what is to be told of it.

    Attributes:
      plan: what is done with each subject.
      facts: for the report, by name.
      warnings: what who reads the numbers should know first.
    """

    plan: Plan
    facts: dict[str, Any]
    warnings: tuple[str, ...]


class _Part(NamedTuple):
    """What a network must be to play a part, and the preset of the published one."""

    task: str
    published: str


_PARTS = {
    "sr": _Part("super_resolution", "sr_cnn"),
    "seg": _Part("segmentation", "seg_cnn"),
    "benchmark": _Part("segmentation", "segnet_2d"),
}


class _Run(NamedTuple):
    """A run that plays a part."""

    part: str
    trained: TrainedRun
    flips: bool

    @property
    def workdir(self) -> str:
        """As the user named it."""
        return self.trained.name

    @property
    def config(self) -> Config:
        """Of the run."""
        return self.trained.config


def plan(workdirs: Mapping[str, str], held_out: HeldOut, settings: Settings) -> Planned:
    """Loads the networks, once all else is known to fit.

    Args:
      workdirs: of trained runs, by the part that each plays: some of "sr", "seg" and
        "benchmark".
      held_out: what is measured.
      settings: how the networks are run.

    Raises:
      ValueError: a workdir of the wrong task, twice the same, or of another study, or
        no labels; the message names the flags of `evaluate.py`.
    """
    if "seg" in workdirs and workdirs["seg"] == workdirs.get("benchmark"):
        raise ValueError(
            f"--seg_workdir and --benchmark_workdir are both {workdirs['seg']}: a "
            "network is not its own benchmark. Name another run, or leave one out."
        )
    runs = _runs(workdirs, settings)
    classes = _classes(runs, held_out)
    networks, factor = _networks(runs, settings.downsample_factor)
    strange = trained_on_others([run.trained for run in runs], held_out)
    facts = {f"{run.part}_preset": run.config.preset for run in runs}
    facts |= held_out.facts(strange)
    return Planned(
        Plan(networks, factor, classes, label_names=held_out.label_names),
        facts,
        (strange,) if strange else (),
    )


def _runs(workdirs: Mapping[str, str], settings: Settings) -> list[_Run]:
    """The runs in the order of their parts.

    Raises:
      ValueError: a workdir of the wrong task, or flips that no network is for.
    """
    runs = []
    for part, (task, _) in _PARTS.items():
        if part not in workdirs:
            continue
        trained = TrainedRun.open(workdirs[part], settings.checkpoint)
        config = trained.config
        if config.task != task:
            raise ValueError(
                f"--{part}_workdir={workdirs[part]} holds a network for {config.task}; "
                f"expected one for {task}."
            )
        flipped = settings.flips and part != "sr" and not find_model(config).slicewise
        runs.append(_Run(part, trained, flipped))
    if settings.flips and not any(run.flips for run in runs):
        raise ValueError(
            "--flips is for a segmentation that sees more than one slice at a time; "
            "none is given. Leave it out."
        )
    return runs


def _classes(runs: Sequence[_Run], held_out: HeldOut) -> Classes | None:
    """The classes of the segmentations among the labels; None without any.

    Raises:
      ValueError: two segment different classes, or the labels lack one.
    """
    segmented = {
        run.workdir: run.config.classes
        for run in runs
        if isinstance(run.config, SegmentationConfig)
    }
    if not segmented:
        return None
    (workdir, classes), *others = segmented.items()
    for other, others_classes in others:
        if others_classes != classes:
            raise ValueError(
                f"The networks of {workdir} and {other} segment different classes: "
                f"{', '.join(classes)}; and {', '.join(others_classes)}. Train both "
                "with the same --classes."
            )
    held_out.require_labels("leave out --seg_workdir and --benchmark_workdir")
    try:
        return Classes.of(classes, held_out.label_names)
    except ValueError as error:
        raise ValueError(
            f"{held_out.records} lacks labels that the network of {workdir} was "
            f"trained for. {error}"
        ) from error


def _networks(
    runs: Sequence[_Run], factor: int | None
) -> tuple[dict[str, Network], int | None]:
    """The networks under names that tell them apart, and the factor of them all."""
    functions, factor = _functions(runs, factor)
    titles = _titles(runs)
    networks = {
        run.part: Network(
            titles[run.part],
            functions[run.part],
            published=not run.flips
            and presets.trains_as(run.config, _PARTS[run.part].published),
            flips=run.flips,
        )
        for run in runs
    }
    return networks, factor


def _functions(
    runs: Sequence[_Run], factor: int | None
) -> tuple[dict[str, Callable[..., np.ndarray]], int | None]:
    """Each network as a function, by part, and the downsample factor of them all."""
    functions: dict[str, Callable[..., np.ndarray]] = {}
    for run in runs:
        if run.part == "sr":
            options = Options(dtype="float32", downsample_factor=factor)
            predictor = super_resolution.load(run.trained, options)
            factor = predictor.restored_factor
            functions[run.part] = functools.partial(predictor.restore, progress=True)
        else:
            segmenter = Segmenter.from_run(run.trained, flips=run.flips)
            functions[run.part] = functools.partial(segmenter.label_map, progress=True)
    return functions, factor


def _titles(runs: Sequence[_Run]) -> dict[str, str]:
    titles = {run.part: find_model(run.config).title for run in runs}
    if "benchmark" in titles and titles["benchmark"] == titles.get("seg"):
        titles["benchmark"] += ", benchmark"
    return titles
