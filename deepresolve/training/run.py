"""Where a run stands, and what keeps count of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import keras

from deepresolve.config import Config
from deepresolve.networks import cost
from deepresolve.pipeline.dataset import count_steps_per_epoch
from deepresolve.pipeline.pairs import Pairs
from deepresolve.runs.workdir import Workdir
from deepresolve.training.callbacks import Checkpoint, Throughput
from deepresolve.training.callbacks.clock import out_of_time
from deepresolve.training.data import TrainingData
from deepresolve.training.progress import Progress
from deepresolve.training.validation import Validation
from deepresolve.training.workers import Agreement, Worker


class Run(NamedTuple):
    """A run: what it is, where it stands, and what keeps count of it.

    Attributes:
      config: as asked for.
      pairs: what its task makes of the data.
      validation: what is measured of it.
      data: what it learns from.
      model: its network.
      workdir: of the run, which the chief writes.
      own: what this worker writes.
      worker: this one.
      agreement: of all workers.
      progress: where it stands.
      steps_per_epoch: batches of a whole epoch.
      throughput: how fast it is.
      checkpoint: saves it.
    """

    config: Config
    pairs: Pairs
    validation: Validation
    data: TrainingData
    model: keras.Model
    workdir: Workdir
    own: Workdir
    worker: Worker
    agreement: Agreement
    progress: Progress
    steps_per_epoch: int
    throughput: Throughput
    checkpoint: Checkpoint

    @property
    def is_out_of_time(self) -> bool:
        """Whether it has trained for as long as it may."""
        return out_of_time(self.progress, self.config.max_minutes)

    @property
    def spans(self) -> Sequence[tuple[range, int]]:
        """Epochs still to do, and steps in each."""
        return _spans(
            int(self.progress.step), self.steps_per_epoch, self.config.num_epochs
        )

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to train or to validate."""
        trained = self.is_out_of_time or not self.spans
        return trained and not bool(self.progress.awaits_validation)


def restored_run(
    pairs: Pairs,
    validation: Validation,
    data: TrainingData,
    model: keras.Model,
    workdir: Workdir,
    own: Workdir,
    worker: Worker,
    agreement: Agreement,
) -> Run:
    """Claims the workdir and fills `model` from its last checkpoint, if it has one.

    Args:
      pairs: what the task makes of the data.
      validation: what is measured of the network.
      data: what it learns from.
      model: the network, with fresh weights.
      workdir: of the run, which the chief writes.
      own: what this worker writes.
      worker: this one.
      agreement: of all workers.

    Raises:
      ValueError: the workdir holds a run with another config, or one that cannot be
        restored.
    """
    config = pairs.config
    own.check_start(config)
    progress = Progress()
    steps_per_epoch = count_steps_per_epoch(data.shapes.values(), pairs)
    checkpoint = Checkpoint(
        own,
        model,
        progress,
        steps_per_epoch,
        config.checkpoint_minutes,
        monitor=f"val_{validation.monitor}",
        agree=agreement.chiefs,
    )
    checkpoint.restore(workdir)
    own.start(config)  # Written to only now that nothing stands in the way.
    flop_per_voxel = cost.flop_per_voxel(model, config.patch_shape)
    throughput = Throughput(progress, config, flop_per_voxel)
    of_all = (workdir, own, worker, agreement)
    counted = (progress, steps_per_epoch, throughput, checkpoint)
    return Run(config, pairs, validation, data, model, *of_all, *counted)


def _spans(
    step: int, steps_per_epoch: int, num_epochs: int
) -> Sequence[tuple[range, int]]:
    """First what is left of an epoch that was broken off, then whole ones."""
    epoch, done = divmod(step, steps_per_epoch)
    spans = []
    if done and epoch < num_epochs:
        spans.append((range(epoch, epoch + 1), steps_per_epoch - done))
        epoch += 1
    if epoch < num_epochs:
        spans.append((range(epoch, num_epochs), steps_per_epoch))
    return spans
