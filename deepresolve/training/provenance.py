"""What a run was made with, told in its provenance.json."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from deepresolve.config import Config
from deepresolve.runs.workdir import Workdir, versions
from deepresolve.training.data import TrainingData
from deepresolve.training.trainable import Trainable


def provenance(
    task: Trainable,
    config: Config,
    data: TrainingData,
    precision: str,
    strategy: tf.distribute.Strategy,
) -> dict[str, Any]:
    """One start of a run, as JSON values."""
    entry = {
        "versions": versions(),
        "seed": config.seed,
        "precision": precision,
        "replicas": strategy.num_replicas_in_sync,
        "devices": [device.name for device in tf.config.list_logical_devices()],
        "records": data.records,
        "records_sha256": data.sha256,
    }
    return entry | task.provenance(config, data)


def check_same_records(workdir: Workdir, data: TrainingData) -> None:
    """ValueError where the workdir holds a run on other records."""
    for entry in workdir.load_provenance():
        if entry["records_sha256"] != data.sha256:
            raise ValueError(
                f"{workdir.path} holds a run on other records ({entry['records']}, "
                f"manifest {entry['records_sha256'][:12]}); {data.records} has the "
                f"manifest {data.sha256[:12]}. Choose another --workdir."
            )
