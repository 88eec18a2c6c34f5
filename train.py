"""Trains a network on records.

    python train.py --preset=sr_cnn --records=DIR --workdir=DIR [--learning_rate=...]

Running the same command again resumes from the last checkpoint. Every field of the
config is a flag; a flag that is given overrides the preset's value.
"""

from __future__ import annotations

import os
import sys

from absl import app, flags, logging

from deepresolve import config_flags

FLAGS = flags.FLAGS

config_flags.define_flags()
flags.adopt_module_key_flags(config_flags)  # so that --help lists them
flags.DEFINE_string("records", None, "Folder that `python -m records convert` wrote.")
flags.DEFINE_string("workdir", None, "Folder of the run; made if need be.")
flags.mark_flags_as_required(["preset", "records", "workdir"])


def run() -> None:
    """Joins records and library; TensorFlow is loaded here, after the flags."""
    config = config_flags.config_from_flags(FLAGS)

    from deepresolve.evaluation import METRICS
    from deepresolve.training.fit import TrainingData, fit
    from deepresolve.workdir import Workdir
    from records import manifest, reader

    stored = manifest.load(FLAGS.records)
    data = TrainingData(
        volumes=reader.dataset(FLAGS.records, "train"),
        shapes={entry.subject: entry.shape for entry in stored.subjects("train")},
        validation=(
            (subject.image, subject.scale)
            for subject in reader.subjects(FLAGS.records, "validation")
        ),
        provenance={"records": FLAGS.records, "manifest_sha256": stored.sha256},
    )
    fit(config, data, Workdir(FLAGS.workdir), METRICS)
    logging.info("Trained; the weights are %s/best.keras", FLAGS.workdir)


def main(argv: list[str]) -> None:
    """Runs, and turns errors that a user can mend into one line."""
    if len(argv) > 1:
        raise app.UsageError(f"Unexpected arguments {argv[1:]}; flags start with --.")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    logging.set_verbosity(logging.INFO)
    try:
        run()
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    app.run(main)
