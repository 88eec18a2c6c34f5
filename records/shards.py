"""Shards: which subjects share a file, what it is called, and writing it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from deepresolve.imaging.labels import count_values
from deepresolve.system import notes, storage
from records import manifest, schema
from records.stored import StoredSubject, load
from records.subject import Brings, Subject

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
      shard: its entry for the manifest; None where there is no such file, because none
        of its scans can be used, or not all of them and none is to be left out.
      problems: the scans that cannot be used.
    """

    file: str
    shard: manifest.Shard | None
    problems: tuple[manifest.Problem, ...] = ()


def outcome_from_json(fields: Mapping) -> Outcome:
    """The outcome that `dataclasses.asdict` and JSON made these fields of."""
    shard = fields["shard"]
    return Outcome(
        file=fields["file"],
        shard=None if shard is None else manifest.shard_from_json(shard),
        problems=tuple(manifest.Problem(**each) for each in fields["problems"]),
    )


def progress_note(outcome: Outcome) -> bytes:
    """What is left beside a shard until the set is complete."""
    fields = dataclasses.asdict(outcome)
    return json.dumps({"schema_version": schema.SCHEMA_VERSION, **fields}).encode()


def read_progress_note(note: bytes) -> Outcome | None:
    """The outcome that was noted; None of another version, whose shard is no use."""
    fields = json.loads(note)
    if fields.pop("schema_version", None) != schema.SCHEMA_VERSION:
        return None
    return outcome_from_json(fields)


@dataclasses.dataclass(frozen=True)
class ShardWriter:
    """Writes shards: the unit of work of every runner. It pickles.

    Attributes:
      output: folder of the shards.
      compression: "none" or "gzip".
      label_names: name by label value, of every label that may occur.
      brings: the arrays and scalars that scans may have beside image and label.
      leave_out_bad: whether a shard is written without the scans that cannot be used.
    """

    output: str
    compression: str
    label_names: Mapping[int, str]
    brings: Brings = dataclasses.field(default_factory=Brings)
    leave_out_bad: bool = False

    def __call__(
        self,
        plan: Plan,
        check_cancelled: Callable[[], None] = lambda: None,
        advance: Callable[[int], None] = lambda number: None,
    ) -> Outcome:
        """Reads the subjects of a plan and writes their shard.

        The outcome is left beside it (`PROGRESS_SUFFIX`) before the shard gets its
        name: an interrupted conversion can tell which shards are its own. Where a scan
        cannot be used the others are still read.

        Args:
          plan: what to write.
          check_cancelled: called before each subject; an exception out of it ends the
            work.
          advance: called with 1 after each subject.

        Raises:
          OSError: a file cannot be read or written. No part of the shard stays.
        """
        path = storage.join(self.output, plan.file)
        records = _Records(plan, self)
        try:
            with storage.replacing(path) as temporary:
                records.write(temporary, check_cancelled, advance)
                shard = _describe(plan, temporary, records.entries)
                outcome = Outcome(plan.file, shard, tuple(records.problems))
                storage.write(path + PROGRESS_SUFFIX, progress_note(outcome))
        except _NoShardError:
            return Outcome(plan.file, None, tuple(records.problems))
        return outcome


class _NoShardError(Exception):
    """Lets the file go that was begun."""


class _Records:
    """The records of one shard, and what is found out by writing them."""

    def __init__(self, plan: Plan, settings: ShardWriter):
        self._plan = plan
        self._settings = settings
        self.entries: list[manifest.Entry] = []
        self.problems: list[manifest.Problem] = []

    def write(
        self,
        path: str,
        check_cancelled: Callable[[], None],
        advance: Callable[[int], None],
    ) -> None:
        """Writes them; _NoShardError, after all are read, where no shard is to be."""
        compression = {"gzip": "GZIP"}.get(self._settings.compression)
        options = tf.io.TFRecordOptions(compression_type=compression)
        with tf.io.TFRecordWriter(path, options) as writer:
            for subject in self._plan.subjects:
                check_cancelled()
                record = self._read(subject)
                if record and not self._is_given_up:
                    writer.write(record)
                advance(1)
        if self._is_given_up or not self.entries:
            raise _NoShardError

    @property
    def _is_given_up(self) -> bool:
        return bool(self.problems) and not self._settings.leave_out_bad

    def _read(self, subject: Subject) -> bytes | None:
        """The record of a scan; None, and a problem, where it cannot be used."""
        try:
            with notes.collected() as found:
                stored = load(subject, self._settings.label_names)
            _check_declared(stored, self._settings.brings)
            record = schema.encode(stored)
        # Any other OSError is the disk's or the network's, not the scan's.
        except (ValueError, FileNotFoundError, PermissionError) as error:
            self.problems.append(_problem(subject, self._plan.split, error))
            return None
        told = [subject.told(note) for note in (*found, *_oddities(stored))]
        self.entries.append(manifest.entry(stored, told))
        return record


def _check_declared(stored: StoredSubject, brings: Brings) -> None:
    """ValueError where a scan brings what its dataset does not declare."""
    declared = {"image": None, "label": None, **dict.fromkeys(brings.arrays)}
    if undeclared := stored.arrays.keys() - declared.keys():
        raise ValueError(
            f"it has the array {min(undeclared)!r}, which its dataset does not declare "
            f"(`brings`); declared are: {', '.join(declared)}."
        )
    for name, value in stored.scalars.items():
        if brings.scalars.get(name) is not type(value):
            raise ValueError(
                f"it has the scalar {name} {value!r}, which its dataset does not "
                f"declare as {type(value).__name__} (`brings`)."
            )


def _problem(subject: Subject, split: str, error: Exception) -> manifest.Problem:
    reason = str(error).removeprefix(f"Subject {subject.id!r} ({subject.source}): ")
    image, label = hashes(subject)
    return manifest.Problem(
        subject=subject.id,
        split=split,
        source=subject.source,
        source_sha256=image,
        label_sha256=label,
        reason=subject.told(reason),
    )


def hashes(subject: Subject) -> tuple[str, str]:
    """Of `subject.hashes()`; ("", "") where it cannot be read at all."""
    try:
        return subject.hashes()
    except (ValueError, FileNotFoundError, PermissionError):
        return "", ""


def _oddities(stored: StoredSubject) -> Iterator[str]:
    """What is odd about a scan that is stored all the same."""
    if stored.label is not None and not stored.label.array.any():
        yield "no voxel of its label map has a label."
    if _looks_like_labels(stored.image.array):
        yield (
            "few whole numbers, as in a label map. If it is one, give label maps a "
            "folder of their own (--labels), or name the scans by --image_pattern."
        )


def _looks_like_labels(array: np.ndarray) -> bool:
    """Whether voxels are no more different whole numbers than a label map has."""
    if array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255:
        return False
    return int(np.count_nonzero(count_values(array.astype(np.uint8)))) <= _MOST_LABELS


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


def _told_apart(subject: Subject) -> list:
    """What is known of a scan before it is read, but for its bytes."""
    known = [subject.id, subject.person, subject.side, subject.source]
    # Grades lie in no source, whose hash would tell that they have changed.
    return [*known, dict(subject.grades)] if subject.grades else known


def _fingerprint(recipe: Mapping, file: str, subjects: Sequence[Subject]) -> str:
    content = {
        "schema_version": schema.SCHEMA_VERSION,
        "recipe": recipe,
        "file": file,
        "subjects": [_told_apart(subject) for subject in subjects],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
