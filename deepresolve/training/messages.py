"""What a run says of itself in the log."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import keras

from deepresolve.config import Config
from deepresolve.networks import cost
from deepresolve.runs.workdir import Workdir
from deepresolve.system.interruption import Interrupted
from deepresolve.training.progress import Progress
from deepresolve.training.run import Run
from deepresolve.training.validation import Block

_logger = logging.getLogger(__name__)


def say_size(model: keras.Model, config: Config, flop_per_voxel: float) -> None:
    """Parameters that learn, and work of the network for each voxel."""
    _logger.info(
        "%s: %s parameters that learn, %s FLOP per voxel of a patch.",
        config.model,
        f"{cost.num_parameters(model):,}",
        f"{flop_per_voxel:,.0f}",
    )


def say_where(
    workdir: Workdir, config: Config, progress: Progress, steps_per_epoch: int
) -> None:
    """Where a run goes on; nothing where it begins."""
    step = int(progress.step)
    if not step:
        return
    epoch, done = divmod(step, steps_per_epoch)
    if bool(progress.awaits_validation) and not done:
        epoch, done = epoch - 1, steps_per_epoch  # what is left of it is told next
    _logger.info(
        "Resuming %s at step %d (epoch %d of %d, step %d of %d).",
        workdir.path,
        step,
        epoch + 1,
        config.num_epochs,
        done,
        steps_per_epoch,
    )


def say_trained(run: Run, blocks: Sequence[Block]) -> None:
    """Where the weights are and, where they were validated, how good they are.

    The best of the whole run, which TensorBoard shows as well.
    """
    best = float(run.progress.best)
    text = f"Trained; the weights are {run.workdir.weights_path()}"
    if blocks and math.isfinite(best):
        text += f"; {run.validation.verdict(best, blocks)}"
    _logger.info("%s.", text)


def say_interrupted(
    workdir: Workdir, progress: Progress, interrupted: Interrupted
) -> None:
    """What is saved, and how to go on."""
    _logger.warning(
        "%s: step %d is saved in %s. The same command goes on from there.",
        interrupted.name,
        int(progress.step),
        workdir.path,
    )
