"""From scans to a complete set of shards: what to make, what is there, who makes it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import json
import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol

from tqdm import tqdm

from deepresolve import storage
from records import manifest, resume, shards, splits
from records.subject import Subject

COMPRESSIONS = ("none", "gzip")


class Dataset(Protocol):
    """A frozen dataclass of settings; see `records.datasets`."""

    @property
    def label_names(self) -> dict[int, str]:
        """What each label value means: every one that the scans hold, but 0."""

    def subjects(self, seed: int) -> Iterator[Subject]:
        """The scans."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that determines the content of the shards.

    Attributes:
      dataset_name: the dataset's name in `records.datasets.DATASETS`.
      dataset: where the scans come from.
      split: percentages of train, validation and test; None for the subjects' own
        splits, or `splits.DEFAULT_PERCENTAGES` where they bring none.
      num_shards: shards of every split, None for the rule of `records.shards`.
      compression: "none" or "gzip".
      seed: of the split and of the order of subjects.
    """

    dataset_name: str
    dataset: Dataset
    split: Sequence[float] | None = None
    num_shards: int | None = None
    compression: str = "none"
    seed: int = 0

    def __post_init__(self):
        if self.compression not in COMPRESSIONS:
            raise ValueError(
                f"compression must be one of {', '.join(COMPRESSIONS)}; got "
                f"{self.compression!r}."
            )
        if self.num_shards is not None and self.num_shards < 1:
            raise ValueError(f"num_shards must be 1 or more; got {self.num_shards}.")

    def to_json(self) -> dict:
        """The recipe as JSON values, for the manifest."""
        fields = {
            "dataset": self.dataset_name,
            "settings": dataclasses.asdict(self.dataset),
            "split": self.split,
            "num_shards": self.num_shards,
            "compression": self.compression,
            "seed": self.seed,
        }
        return json.loads(json.dumps(fields))


def convert(recipe: Recipe, output: str, *, num_workers: int = 1) -> manifest.Manifest:
    """Makes the shards and the manifest of a recipe, or completes them.

    Shards that an interrupted run of the same recipe left are kept if their bytes and
    the scans they came from are unchanged. A complete set of another recipe is never
    touched; the leavings of an unfinished one are replaced.

    Args:
      recipe: what to make.
      output: folder of the shards, local or a URL that `tf.io.gfile` reaches.
      num_workers: processes that each write a shard at a time and hold one scan in
        memory; with 1 this process does the work.

    Returns:
      The manifest of the complete set.

    Raises:
      ValueError: a scan cannot be used, or `output` holds another set.
      OSError: a file cannot be read or written, or a worker died.
    """
    if num_workers < 1:
        raise ValueError(f"num_workers must be 1 or more; got {num_workers}.")
    subjects = list(recipe.dataset.subjects(recipe.seed))
    _check_unique(subjects)
    percentages = splits.percentages_for(subjects, recipe.split)
    recipe = dataclasses.replace(recipe, split=percentages)
    subjects_of = splits.assign(subjects, percentages, recipe.seed)
    plans = shards.plan(subjects_of, recipe.num_shards, recipe.seed, recipe.to_json())
    storage.make_folder(output)
    done = resume.finished(plans, recipe.to_json(), output)
    remaining = [plan for plan in plans if plan.file not in done]
    with tqdm(total=len(subjects), unit="scan", desc="convert", disable=None) as bar:
        bar.update(sum(shard.num_subjects for shard in done.values()))
        for shard in _write_all(remaining, recipe, output, num_workers):
            done[shard.file] = shard
            bar.update(shard.num_subjects)
    if remaining or not manifest.exists(output):
        in_order = [done[plan.file] for plan in plans]
        label_names = recipe.dataset.label_names
        manifest.save(output, recipe.to_json(), label_names, in_order)
    resume.clean(output)
    return manifest.load(output)


def _check_unique(subjects: Sequence[Subject]) -> None:
    repeated = [n for n, k in Counter(s.id for s in subjects).items() if k > 1]
    if repeated:
        raise ValueError(f"Several subjects have the id {repeated[0]!r}.")


def _write_all(
    plans: Sequence[shards.Plan], recipe: Recipe, output: str, num_workers: int
) -> Iterator[manifest.Shard]:
    """Writes the shards, in any order; an error or Ctrl-C ends all work at once."""
    settings = (output, recipe.compression, recipe.dataset.label_names)
    if min(num_workers, len(plans)) < 2:
        for plan in plans:
            yield shards.write(plan, *settings, check_cancelled=lambda: None)
        return
    # TensorFlow does not survive a fork.
    context = multiprocessing.get_context("spawn")
    cancelled = context.Event()
    executor = concurrent.futures.ProcessPoolExecutor(
        min(num_workers, len(plans)), context, _start_worker, (cancelled,)
    )
    try:
        with _ctrl_c_held_back():
            futures = [executor.submit(_write_one, plan, *settings) for plan in plans]
        for future in concurrent.futures.as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise ChildProcessError(
            "A worker process ended without an answer. If nothing above says why, "
            "memory ran out: run the same command with a smaller --num_workers; it "
            "continues."
        ) from error
    finally:
        # Workers stop before their next scan, and delete what they had begun; one that
        # was killed could not.
        cancelled.set()
        executor.shutdown(wait=True, cancel_futures=True)
        resume.remove_temporaries(output)


@contextlib.contextmanager
def _ctrl_c_held_back() -> Iterator[None]:
    """Processes started here never see Ctrl-C, which a terminal sends to them all.

    They inherit the blocked signal; this process gets it at the end.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_worker = {}


def _start_worker(cancelled) -> None:
    """Prepares a worker process."""
    _worker["cancelled"] = cancelled
    threading.Thread(target=_exit_with_parent, daemon=True).start()


def _exit_with_parent() -> None:
    """Ends a worker whose parent was killed and could not say so."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _write_one(
    plan: shards.Plan, output: str, compression: str, label_names: dict[int, str]
) -> manifest.Shard:
    return shards.write(
        plan, output, compression, label_names, check_cancelled=_check_cancelled
    )


def _check_cancelled() -> None:
    if _worker["cancelled"].is_set():
        raise concurrent.futures.CancelledError
