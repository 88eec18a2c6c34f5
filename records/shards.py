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
from deepresolve.imaging.labels import count_values
from records import manifest, schema
from records.stored import StoredSubject, load
from records.subject import Subject

SUFFIX = ".tfrecord"
PROGRESS_SUFFIX = ".progress.json"

# With num_shards=auto a shard holds about SHARD_BYTES, yet a split has MIN_SHARDS as
# far as its subjects go: training shuffles whole shards anew in every pass, so that
# more of them mix better, and several workers would share them out.
SHARD_BYTES = 256 * 2**20
MIN_SHARDS = 8
# Different values of a label map; scans of integers have hundreds.
_MOST_LABELS = 16


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


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What became of a plan.

    Attributes:
      file: name of the shard.
      shard: its entry for the manifest; None where a scan cannot be used, and then
        there is no such file.
      problems: for each scan that cannot be used, why; the message names it.
      notes: what is odd about scans that were stored all the same.
    """

    file: str
    shard: manifest.Shard | None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def outcome_from_json(fields: Mapping) -> Outcome:
    """The outcome that `dataclasses.asdict` and JSON made these fields of."""
    shard = fields["shard"]
    return Outcome(
        file=fields["file"],
        shard=None if shard is None else manifest.shard_from_json(shard),
        problems=tuple(fields["problems"]),
        notes=tuple(fields["notes"]),
    )


@dataclasses.dataclass(frozen=True)
class ShardWriter:
    """Writes shards: the unit of work of every runner. It pickles.

    Attributes:
      output: folder of the shards.
      compression: "none" or "gzip".
      label_names: name by label value, of every label that may occur.
    """

    output: str
    compression: str
    label_names: Mapping[int, str]

    def __call__(
        self,
        plan: Plan,
        check_cancelled: Callable[[], None] = lambda: None,
        advance: Callable[[int], None] = lambda number: None,
    ) -> Outcome:
        """Reads the subjects of a plan and writes their shard.

        The shard's entry for the manifest is left beside it (`PROGRESS_SUFFIX`) before
        the shard gets its name: an interrupted conversion can tell which shards are its
        own. Where a scan cannot be used the others are still read, and no part of the
        shard stays.

        Args:
          plan: what to write.
          check_cancelled: called before each subject; an exception out of it ends the
            work.
          advance: called with 1 after each subject.

        Raises:
          OSError: a file cannot be read or written. No part of the shard stays.
        """
        path = storage.join(self.output, plan.file)
        records = _Records(plan, self.compression, self.label_names)
        try:
            with storage.replacing(path) as temporary:
                records.write(temporary, check_cancelled, advance)
                shard = _describe(plan, temporary, records.entries)
                progress = json.dumps(dataclasses.asdict(shard)).encode()
                storage.write(path + PROGRESS_SUFFIX, progress)
        except _UnusableScansError:
            return Outcome(plan.file, None, problems=tuple(records.problems))
        return Outcome(plan.file, shard, notes=tuple(records.notes))


class _UnusableScansError(Exception):
    """Lets the file go that was begun."""


class _Records:
    """The records of one shard, and what is found out by writing them."""

    def __init__(self, plan: Plan, compression: str, label_names: Mapping[int, str]):
        self._plan = plan
        self._compression = {"gzip": "GZIP"}.get(compression)
        self._label_names = label_names
        self.entries: list[manifest.Entry] = []
        self.problems: list[str] = []
        self.notes: list[str] = []

    def write(
        self,
        path: str,
        check_cancelled: Callable[[], None],
        advance: Callable[[int], None],
    ) -> None:
        """Writes them; _UnusableScansError, after all are read, where one is bad."""
        options = tf.io.TFRecordOptions(compression_type=self._compression)
        with tf.io.TFRecordWriter(path, options) as writer:
            for subject in self._plan.subjects:
                check_cancelled()
                try:
                    self._add(load(subject, self._label_names), writer)
                except ValueError as error:
                    self.problems.append(str(error))
                advance(1)
        if self.problems:
            raise _UnusableScansError

    def _add(self, stored: StoredSubject, writer: tf.io.TFRecordWriter) -> None:
        record = schema.encode(stored)
        if self.problems:
            return  # Nothing of this shard will stay.
        writer.write(record)
        self.entries.append(manifest.entry(stored))
        if stored.label is not None and not stored.label.array.any():
            self.notes.append(
                f"Subject {stored.subject!r} ({stored.source}): no voxel of its label "
                "map has a label."
            )
        if _looks_like_labels(stored.image.array):
            self.notes.append(
                f"Subject {stored.subject!r} ({stored.source}): few whole numbers, as "
                "in a label map. If it is one, give label maps a folder of their own "
                "(--labels), or name the scans by --image_pattern."
            )


def _looks_like_labels(array: np.ndarray) -> bool:
    """Whether voxels are no more different whole numbers than a label map has."""
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255:
        return False
    return np.count_nonzero(count_values(array.astype(np.uint8))) <= _MOST_LABELS


def _describe(
    plan: Plan, path: str, entries: Sequence[manifest.Entry]
) -> manifest.Shard:
    return manifest.Shard(
        file=plan.file,
        split=plan.split,
        num_subjects=len(entries),
        num_bytes=storage.num_bytes(path),
        sha256=storage.sha256(path),
        fingerprint=plan.fingerprint,
        subjects=tuple(entries),
    )


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
