"""Trains a network on records.

    deepresolve train --preset=sr_cnn --records=DIR --workdir=DIR [--learning_rate=...]
    deepresolve train --preset=seg_cnn --records=DIR --workdir=DIR [--classes=...]

In a clone of the source, `python train.py` is the same.

Running the same command again resumes from the last checkpoint; --num_epochs,
--max_minutes and --checkpoint_minutes may then differ. SIGTERM, as a preempted job gets
it, and Ctrl-C end it after the current step with a checkpoint and the exit status 143
or 130; a second one ends it at once. Every field of the config is a flag; one that is
given overrides the preset's value. A segmentation needs records with labels and their
names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.commands import config_flags
from deepresolve.system import path_flags, paths

if TYPE_CHECKING:
    import tensorflow as tf

    from deepresolve.config import Config
    from deepresolve.imaging.volume import Volume
    from deepresolve.training.data import TrainingData, ValidationScan
    from deepresolve.training.trainable import Trainable
    from deepresolve.training.workers import Worker
    from records.manifest import Manifest

FLAGS = flags.FLAGS

config_flags.define_flags()
flags.adopt_module_key_flags(config_flags)  # so that --help lists them
path_flags.define("records", None, "Folder that `python -m records convert` wrote.")
path_flags.define("workdir", None, "Folder of the run; made if need be.")
flags.mark_flags_as_required(["records", "workdir"])


@flags.multi_flags_validator(
    ["preset", "task"], "Give --preset; or --task, for the defaults of a task."
)
def _one_start(values: Mapping[str, str | None]) -> bool:
    return bool(values["preset"]) != bool(values["task"])


def run() -> None:
    """Joins records and library; TensorFlow is loaded here, after the flags."""
    config = config_flags.config_from_flags(FLAGS)
    paths.check_records(FLAGS.records)
    paths.check_output_folder(FLAGS.workdir)

    import tensorflow as tf

    from deepresolve import tasks
    from deepresolve.runs.workdir import Workdir
    from deepresolve.training.fit import fit
    from deepresolve.training.workers import this_worker
    from records import manifest

    worker = this_worker(config)
    task = tasks.find(config.task)
    data = _training_data(manifest.load(FLAGS.records), task, config, worker)
    workdir = Workdir(FLAGS.workdir)
    try:
        fit(task, config, data, workdir)
    except (tf.errors.DataLossError, tf.errors.NotFoundError) as error:
        raise ValueError(
            f"{FLAGS.records} has a damaged or missing shard ({_reason(error)}). Run "
            f"`python -m records verify --records={FLAGS.records}` to see which."
        ) from error
    except tf.errors.OpError as error:
        if worker.count > 1:
            raise OSError(
                f"Worker {worker.index} of {worker.count} stopped ({_reason(error)}). "
                "If another one ended, its own log tells why. Start all of them again "
                "with the same command: they go on from the last checkpoint."
            ) from error
        raise OSError(
            f"Training stopped ({_reason(error)}). Is the disk of {FLAGS.workdir} or "
            "the memory full? The same command goes on from the last checkpoint."
        ) from error


def _reason(error: tf.errors.OpError) -> str:
    """What went wrong, without the trace of TensorFlow's graph before it."""
    plain = re.sub(r"\[\[.*?\]\]|\{\{.*?\}\}|\[Op:.*", "", error.message)
    plain = re.sub(r"The error could be from a previous operation\..*", "", plain)
    return (plain.strip().splitlines() or [type(error).__name__])[-1].strip()


def _training_data(
    stored: Manifest, task: Trainable, config: Config, worker: Worker
) -> TrainingData:
    """The records in the form in which the library takes them.

    Args:
      stored: the manifest of the records.
      task: what is learned.
      config: the run.
      worker: this one, and of how many.
    """
    from deepresolve.training.data import TrainingData
    from records import reader

    only = task.only(config)
    training = [entry for entry in stored.subjects("train") if entry.says(only)]
    if training:
        reader.check_num_shards(stored, "train", worker.count, FLAGS.records)
    return TrainingData(
        volumes=lambda seed: reader.dataset(
            *(FLAGS.records, "train"),
            needs=task.needs,
            numbers=task.numbers(config),
            only=only,
            shuffle_seed=seed,
            part=worker,
        ),
        shapes={subject.subject: subject.shape for subject in training},
        validation=_validation(stored, only),
        label_names=stored.label_names,
        num_labelled=sum(entry.labelled for entry in training),
        records=FLAGS.records,
        sha256=stored.sha256,
        scans=_some_training_scans(only),
        scalars={entry.subject: entry.scalars for entry in training},
    )


def _some_training_scans(only: Mapping[str, str]) -> Iterator[Volume]:
    """Those that are described in the workdir, one in memory at a time."""
    from deepresolve.runs import training_set
    from records import reader

    most = training_set.MAX_SCANS
    for subject in reader.sample(FLAGS.records, "train", most, only=only):
        yield subject.image


def _validation(stored: Manifest, only: Mapping[str, str]) -> Iterator[ValidationScan]:
    """Validation scans with their scales, one in memory at a time."""
    from deepresolve.training.data import ValidationScan
    from records import reader

    if stored.subjects("validation"):
        for subject in reader.subjects(FLAGS.records, "validation", only=only):
            yield ValidationScan(
                *(subject.subject, subject.image, subject.scale, subject.label),
                subject.scalars,
            )
