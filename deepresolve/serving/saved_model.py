"""A SavedModel in the layout that TensorFlow Serving watches.

models/models.config                     which models a server loads
models/NAME/VERSION/saved_model.pb       the graphs, with variables/ beside
models/NAME/VERSION/assets.extra/
    deepresolve.json                     what the numbers mean, and where it is from
    tf_serving_warmup_requests           what a server runs before it takes requests
"""

from __future__ import annotations

import json
from typing import Any

import tensorflow as tf

from deepresolve.config.tasks import part
from deepresolve.runs.workdir import versions
from deepresolve.serving import models_config, warm_up
from deepresolve.system import locking, paths, storage
from deepresolve.tasks.servable import (
    CANONICAL,
    Servable,
    ServingOptions,
    Signature,
)
from deepresolve.tasks.trained_run import TrainedRun

DESCRIPTION_NAME = "deepresolve.json"
_ASSETS = "assets.extra"  # TensorFlow Serving's name


def export(run: TrainedRun, output: str, version: int, options: ServingOptions) -> str:
    """Writes a run's network as a version of a served model.

    Args:
      run: the trained run.
      output: folder of the model; its last part is the model's name.
      version: 1 or more; TensorFlow Serving serves the highest.
      options: how the network computes.

    Returns:
      The folder of the version.

    Raises:
      ValueError: there is this version already, a models.config that cannot be read,
        a path that TensorFlow cannot load from, or the run is not trained yet.
      OSError: it cannot be written, or another process is exporting there.
    """
    output = output.rstrip("/")
    if not output:
        raise ValueError(
            "The folder of a model ends with the model's name, such as models/sr; got "
            "an empty one."
        )
    paths.check_servable(output)
    with locking.held(output, "export", "give another --output"):
        return _export(run, output, version, options)


def _export(run: TrainedRun, output: str, version: int, options: ServingOptions) -> str:
    folder = storage.join(output, str(version))
    models_config.read(output)  # Before long work is done, not after.
    _require_new(output, version)
    servable = part(run.config.task, "servable").servable(run, options)
    graphs = _traced(servable.signatures)
    root = tf.Module()
    root.network_variables = list(servable.variables)
    name = output.rsplit("/", 1)[-1]
    with storage.new_folder(folder) as partial:
        tf.saved_model.save(root, partial, signatures=graphs)
        assets = storage.join(partial, _ASSETS)
        storage.make_folder(assets)
        description = _description(run, servable, options)
        text = json.dumps({"name": name, "version": version, **description}, indent=2)
        storage.write(storage.join(assets, DESCRIPTION_NAME), f"{text}\n".encode())
        path = storage.join(assets, warm_up.FILE_NAME)
        warm_up.write(path, name, servable.signatures)
    models_config.add(output)
    return folder


def _require_new(output: str, version: int) -> None:
    if version < 1:
        raise ValueError(f"A version is a whole number of at least 1; got {version}.")
    there = [int(n) for n in storage.list_files(output) if n.isdecimal()]
    if version in there:
        models_config.add(output)  # Where an export ended just before it.
        raise ValueError(
            f"{output} has version {version} already, and a server may be using it. "
            f"Give --version={max(there) + 1}, or delete the folder."
        )


def _traced(signatures: dict[str, Signature]) -> dict[str, Any]:
    """Graphs by name; a signature of two names is traced once."""
    graphs = {id(signature): signature.traced() for signature in signatures.values()}
    return {name: graphs[id(signature)] for name, signature in signatures.items()}


def _description(
    run: TrainedRun, servable: Servable, options: ServingOptions
) -> dict[str, Any]:
    return {
        "task": run.config.task,
        "axes": CANONICAL,
        "signatures": {k: v.description() for k, v in servable.signatures.items()},
        **servable.facts,
        "options": {"checkpoint": run.checkpoint, **options._asdict()},
        "model_sha256": run.model_sha256,
        "versions": versions(),
        "config": json.loads(run.config.to_json()),
    }
