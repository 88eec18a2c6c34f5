"""Shards: which subjects share a file, what it is called, and writing it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from deepresolve import storage
from records import manifest, schema
from records.stored import load
from records.subject import Subject

SUFFIX = ".tfrecord"
PROGRESS_SUFFIX = ".progress.json"

# With num_shards=auto a shard holds about SHARD_BYTES, yet a split has MIN_SHARDS as
# far as its subjects go: training shuffles whole shards anew in every pass, so that
# more of them mix better, and several workers would share them out.
SHARD_BYTES = 256 * 2**20
MIN_SHARDS = 8


@dataclasses.dataclass(frozen=True)
class Plan:
    """A shard that is to be written.

    Attributes:
      file: its name, e.g. "train-00003-of-00016.tfrecord".
      split: the split that it belongs to.
      subjects: what it will hold, in this order.
      fingerprint: hash of the recipe and of the subjects: two plans with the same one
        ask for the same content.
    """

    file: str
    split: str
    subjects: tuple[Subject, ...]
    fingerprint: str


def plan(
    subjects_of: Mapping[str, Sequence[Subject]],
    num_shards: int | None,
    seed: int,
    recipe: Mapping,
) -> list[Plan]:
    """Deals the subjects of each split out to shards.

    Args:
      subjects_of: the subjects of each split; a split may be empty.
      num_shards: shards of every split, but never more than it has subjects; None
        for the rule above.
      seed: shuffles subjects, so that the scans of a person do not lie together.
      recipe: the settings that determine the content, as JSON values.
    """
    plans = []
    rng = np.random.default_rng(seed)
    for split, subjects in subjects_of.items():
        shuffled = [subjects[n] for n in rng.permutation(len(subjects))]
        count = min(num_shards or automatic_num_shards(subjects), len(subjects))
        for index in range(count):
            members = tuple(shuffled[index::count])
            file = f"{split}-{index:05d}-of-{count:05d}{SUFFIX}"
            fingerprint = _fingerprint(recipe, file, members)
            plans.append(Plan(file, split, members, fingerprint))
    return plans


def automatic_num_shards(subjects: Sequence[Subject]) -> int:
    """Number of shards for a split, where none was asked for."""
    by_size = math.ceil(sum(s.num_bytes for s in subjects) / SHARD_BYTES)
    return min(max(by_size, MIN_SHARDS), len(subjects))


def write(
    plan: Plan,
    folder: str,
    compression: str,
    label_names: Mapping[int, str],
    *,
    check_cancelled: Callable[[], None],
) -> manifest.Shard:
    """Reads the subjects of a plan and writes their shard.

    The shard's entry for the manifest is left beside it (`PROGRESS_SUFFIX`) before the
    shard gets its name: an interrupted conversion can tell which shards are its own.

    Args:
      plan: what to write.
      folder: where.
      compression: "none" or "gzip".
      label_names: name by label value, of every label that may occur.
      check_cancelled: called before each subject; an exception out of it ends the work.

    Raises:
      ValueError: a scan cannot be used; the message names it.
      OSError: a file cannot be read or written. Either way no part of it stays.
    """
    path = storage.join(folder, plan.file)
    options = tf.io.TFRecordOptions(compression_type={"gzip": "GZIP"}.get(compression))
    entries = []
    with storage.replacing(path) as temporary:
        with tf.io.TFRecordWriter(temporary, options) as writer:
            for subject in plan.subjects:
                check_cancelled()
                stored = load(subject, label_names)
                writer.write(schema.encode(stored))
                entries.append(manifest.entry(stored))
        shard = manifest.Shard(
            file=plan.file,
            split=plan.split,
            num_subjects=len(entries),
            num_bytes=storage.num_bytes(temporary),
            sha256=storage.sha256(temporary),
            fingerprint=plan.fingerprint,
            subjects=tuple(entries),
        )
        progress = json.dumps(dataclasses.asdict(shard)).encode()
        storage.write(path + PROGRESS_SUFFIX, progress)
    return shard


def is_intact(shard: manifest.Shard, folder: str) -> bool:
    """Whether the file is there with the bytes that were written."""
    path = storage.join(folder, shard.file)
    return (
        storage.is_file(path)
        and storage.num_bytes(path) == shard.num_bytes
        and storage.sha256(path) == shard.sha256
    )


def _fingerprint(recipe: Mapping, file: str, subjects: Sequence[Subject]) -> str:
    content = {
        "schema_version": schema.SCHEMA_VERSION,
        "recipe": recipe,
        "file": file,
        "subjects": [(s.id, s.person, s.side, s.source) for s in subjects],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
