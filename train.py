"""Trains a network on records.

    python train.py --preset=sr_cnn --records=DIR --workdir=DIR [--learning_rate=...]

Running the same command again resumes from the last checkpoint; --num_epochs,
--max_minutes and --checkpoint_minutes may then differ. Every field of the config is a
flag; a flag that is given overrides the preset's value.
"""

from __future__ import annotations

import re

from absl import flags

from deepresolve import config_flags, entry

FLAGS = flags.FLAGS

config_flags.define_flags()
flags.adopt_module_key_flags(config_flags)  # so that --help lists them
flags.DEFINE_string("records", None, "Folder that `python -m records convert` wrote.")
flags.DEFINE_string("workdir", None, "Folder of the run; made if need be.")
flags.mark_flags_as_required(["preset", "records", "workdir"])


def run() -> None:
    """Joins records and library; TensorFlow is loaded here, after the flags."""
    config = config_flags.config_from_flags(FLAGS)

    import tensorflow as tf

    from deepresolve.evaluation import METRICS
    from deepresolve.training.data import TrainingData
    from deepresolve.training.fit import fit
    from deepresolve.workdir import Workdir
    from records import manifest, reader

    stored = manifest.load(FLAGS.records)
    data = TrainingData(
        volumes=lambda seed: reader.dataset(FLAGS.records, "train", shuffle_seed=seed),
        shapes={subject.subject: subject.shape for subject in stored.subjects("train")},
        validation=_validation(stored),
        records=FLAGS.records,
        sha256=stored.sha256,
    )
    try:
        fit(config, data, Workdir(FLAGS.workdir), METRICS)
    except (tf.errors.DataLossError, tf.errors.NotFoundError) as error:
        raise ValueError(
            f"{FLAGS.records} has a damaged or missing shard ({_reason(error)}). Run "
            f"`python -m records verify --records={FLAGS.records}` to see which."
        ) from error
    except tf.errors.OpError as error:
        raise OSError(
            f"Training stopped ({_reason(error)}). Is the disk of {FLAGS.workdir} or "
            "the memory full? The same command goes on from the last checkpoint."
        ) from error
    print(f"Trained; the weights are {FLAGS.workdir}/best.keras")


def _reason(error) -> str:
    """What went wrong, without the trace of TensorFlow's graph before it."""
    plain = re.sub(r"\[\[.*?\]\]|\{\{.*?\}\}|\[Op:.*", "", error.message)
    return plain.strip().splitlines()[-1].strip()


def _validation(stored):
    """Validation scans with their scales, one in memory at a time."""
    from deepresolve.training.data import ValidationScan
    from records import reader

    if stored.subjects("validation"):
        for subject in reader.subjects(FLAGS.records, "validation"):
            yield ValidationScan(subject.subject, subject.image, subject.scale)


if __name__ == "__main__":
    entry.launch(run)
