"""A network of views fitted to one scan: a training run like any other."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume
from deepresolve.runs.workdir import Workdir
from deepresolve.system import progress_bar
from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig
from deepresolve.tasks.super_resolution.task import TASK
from deepresolve.training.data import TrainingData
from deepresolve.training.fit import fit

_NAME = "the scan itself"
# So often is a scan given in one pass over it; each time it is made thick anew.
_TIMES_A_PASS = 64


def learn(
    scan: Volume,
    scale: IntensityScale,
    config: SuperResolutionConfig,
    workdir: Workdir,
    start: Sequence[np.ndarray] | None = None,
    progress: bool = False,
) -> keras.Model:
    """Trains until the run is complete; goes on with a run that was interrupted.

    Args:
      scan: the slices to learn from, canonical, in scan units.
      scale: what takes them to 0..1.
      config: of the run.
      workdir: of the run.
      start: weights to begin with; None: fresh ones.
      progress: show a progress bar, by the clock.

    Raises:
      ValueError: the training diverged, or the workdir holds another run.
      OSError: the workdir cannot be written.
      Interrupted: a signal came; what is done is saved.
    """
    data = TrainingData(
        volumes=lambda seed: _again_and_again(scan, scale),
        shapes={_NAME: scan.shape},
        validation=(),
        label_names={},
        num_labelled=0,
        records=_NAME,
        sha256=sha256(scan, scale),
    )
    with _quiet(), _clock(60 * config.max_minutes, hidden=not progress):
        return fit(TASK, config, data, workdir, 0, start)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leaves out what a training of hours tells of its epochs, networks and folders."""
    logger = logging.getLogger("deepresolve.training")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def _clock(seconds: float, *, hidden: bool) -> Iterator[None]:
    """A bar of seconds, of which `seconds` are all; 0: nobody knows how many."""
    ended = threading.Event()
    total = round(seconds) or None
    with progress_bar.shown(
        "learning from the scan", total, "second", hidden=hidden
    ) as bar:

        def tick() -> None:
            # Only steps count as learning, not the making of graphs before them.
            while not ended.wait(1.0) and bar.done != total:
                bar.update()

        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def told(workdir: Workdir, model: keras.Model) -> dict[str, Any]:
    """What is to be remembered of a run, as JSON values."""
    starts = workdir.load_provenance()
    return {
        "from_scan": True,
        "steps": int(model.optimizer.iterations.numpy()),
        "precision": starts[-1]["precision"] if starts else None,
        "interruptions": max(0, len(starts) - 1),
    }


def sha256(scan: Volume, scale: IntensityScale) -> str:
    """Tells this scan from any other.

    Args:
      scan: in scan units.
      scale: what takes them to 0..1.
    """
    digest = hashlib.sha256(np.ascontiguousarray(scan.array).tobytes())
    digest.update(repr((scan.array.dtype, scan.affine.tolist(), scale)).encode())
    return digest.hexdigest()


def _again_and_again(scan: Volume, scale: IntensityScale) -> tf.data.Dataset:
    volume = {
        "image": tf.constant(scan.array, tf.float32),
        "intensity": tf.constant([scale.low, scale.high], tf.float32),
        "affine": tf.constant(scan.affine, tf.float64),
    }
    return tf.data.Dataset.range(_TIMES_A_PASS).map(lambda _: volume)
