"""Shards in: a `tf.data.Dataset` to train on, NumPy volumes to evaluate on."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence

import tensorflow as tf

from deepresolve.system import storage
from records import manifest, parsing, schema
from records.stored import StoredSubject
from records.subject import FIELDS

# What `dataset` gives of every record.
ALWAYS = ("intensity", "affine", "subject")


def dataset(
    records_dir: str,
    split: str,
    *,
    needs: Sequence[str] = ("image", "label"),
    numbers: Sequence[str] = (),
    only: Mapping[str, str] | None = None,
    shuffle_seed: Sequence[int] | tf.Tensor | None = None,
    part: tuple[int, int] = (0, 1),
) -> tf.data.Dataset:
    """The volumes of a split, one element a subject: what is needed, and `ALWAYS`.

    The order depends on the arguments alone. Shards are read one after another, and
    one volume is in memory at a time.

    Args:
      records_dir: folder of the shards.
      split: "train", "validation" or "test".
      needs: names of arrays, scalars and further fields; see `records.parsing`. What
        is not named is not decoded.
      numbers: names of scalars that a subject may lack: float64, NaN where one does.
      only: text scalars by name: subjects of which one says something else, or that
        lack it, are passed over.
      shuffle_seed: two integers by which the shards are shuffled; None keeps their
        order.
      part: which part of the shards, counted from 0, and of how many parts. Those of
        one seed have each shard once; another seed deals the shards out anew.

    Raises:
      FileNotFoundError, ValueError: there is no complete set, the split is empty, or
        has fewer shards than parts, or a subject lacks what is needed (its label map
        excepted, which is then empty); or none has a number.
    """
    only = only or {}
    described = manifest.load(records_dir)
    shards = _shards_of(described, split, records_dir)
    number, num_parts = part
    check_num_shards(described, split, num_parts, records_dir)
    order = tf.range(len(shards))
    if shuffle_seed is not None:
        order = tf.random.experimental.stateless_shuffle(order, shuffle_seed)
    order = order[number::num_parts]
    paths = [storage.join(str(records_dir), shard.file) for shard in shards]
    counts = tf.constant([_num_of(shard, only) for shard in shards], tf.int64)
    records = tf.data.TFRecordDataset(tf.gather(paths, order), described.compression)
    names = tuple(dict.fromkeys((*needs, *ALWAYS)))
    entries = [e for e in described.subjects(split) if e.says(only)]
    wanted = dataclasses.replace(
        _wanted(entries, names, records_dir),
        numbers={name: _kind_of_number(name, entries, records_dir) for name in numbers},
    )
    if only:
        records = records.filter(lambda record: parsing.has_texts(record, only))
    volumes = records.map(lambda record: parsing.parse(record, wanted))
    count = tf.reduce_sum(tf.gather(counts, order))
    return volumes.apply(tf.data.experimental.assert_cardinality(count))


def _num_of(shard: manifest.Shard, only: Mapping[str, str]) -> int:
    return sum(entry.says(only) for entry in shard.subjects)


def _kind_of_number(
    name: str, entries: Sequence[manifest.Entry], records_dir: str
) -> str:
    """How a number is stored; ValueError where no subject has it, or it is a text."""
    kinds = {type(e.scalars[name]) for e in entries if name in e.scalars}
    if kinds - {str}:
        (kind,) = kinds  # A dataset declares one type for all.
        return schema.SCALAR_KEYS[kind]
    there = sorted({n for e in entries for n in e.scalars})
    raise ValueError(
        f"No subject of {records_dir} has a number {name!r}; they have the scalars "
        f"{', '.join(there) or 'none'}. `convert` says what a dataset brings."
    )


def _wanted(
    entries: Sequence[manifest.Entry], needs: Sequence[str], records_dir: str
) -> parsing.Wanted:
    """How what is needed is stored; ValueError where a subject lacks it."""
    ranks, scalars = {}, {}
    for name in needs:
        if name in FIELDS:
            continue
        if name == "label":  # It alone may be lacking, and is empty then.
            ranks[name] = 3
            continue
        _check_all_have(name, entries, records_dir)
        if arrays := [e.arrays[name] for e in entries if name in e.arrays]:
            ranks[name] = _rank(name, arrays, records_dir)
        else:  # A dataset declares one type for all.
            scalars[name] = schema.SCALAR_KEYS[type(entries[0].scalars[name])]
    fields = tuple(name for name in needs if name in FIELDS)
    return parsing.Wanted(fields, ranks, scalars)


def _check_all_have(
    name: str, entries: Sequence[manifest.Entry], records_dir: str
) -> None:
    """ValueError where a subject lacks an array or scalar."""
    lacking = [e for e in entries if name not in e.arrays and name not in e.scalars]
    if len(lacking) == len(entries):
        there = sorted({n for e in entries for n in (*e.arrays, *e.scalars)})
        raise ValueError(
            f"The subjects of {records_dir} have no {name!r}, but {', '.join(there)}; "
            f"and each has {', '.join(FIELDS)}. `convert` says what a dataset brings."
        )
    if lacking:
        raise ValueError(
            f"{len(lacking)} of {len(entries)} subjects of {records_dir} have no "
            f"{name!r}, the first {lacking[0].subject!r}. Convert the scans again "
            "without them."
        )


def _rank(name: str, arrays: Sequence[manifest.ArrayEntry], records_dir: str) -> int:
    """The number of axes of an array, the same of all subjects."""
    ranks = sorted({len(array.shape) for array in arrays})
    if len(ranks) > 1:
        raise ValueError(
            f"{name!r} has {ranks[0]} axes in some subjects of {records_dir} and "
            f"{ranks[-1]} in others; expected as many in all."
        )
    return ranks[0]


def check_num_shards(
    described: manifest.Manifest, split: str, num_parts: int, records_dir: str
) -> None:
    """ValueError unless each part of a split has a shard of its own to read."""
    found = len(described.shards(split))
    if found < num_parts:
        raise ValueError(
            f"The split {split!r} of {records_dir} has {found} shards for {num_parts} "
            "workers, each of which reads files of its own. Convert the scans again "
            f"into another folder with --num_shards={num_parts} or more (a split has "
            "at most as many shards as subjects), or start fewer workers."
        )


def subjects(
    records_dir: str, split: str, *, only: Mapping[str, str] | None = None
) -> Iterator[StoredSubject]:
    """The subjects of a split in NumPy, one in memory at a time.

    Args:
      records_dir: folder of the shards.
      split: "train", "validation" or "test".
      only: text scalars by name: subjects of which one says something else, or that
        lack it, are passed over.

    Raises:
      FileNotFoundError: there is no complete set.
      ValueError: the split is empty, or a shard is missing or damaged.
    """
    described = manifest.load(records_dir)
    for shard in _shards_of(described, split, records_dir):
        yield from _read_some(records_dir, described, shard, only or {})


def _read_some(
    records_dir: str,
    described: manifest.Manifest,
    shard: manifest.Shard,
    only: Mapping[str, str],
) -> Iterator[StoredSubject]:
    """The subjects of a shard whose scalars are these; without any it is not read."""
    if _num_of(shard, only):
        yield from read_shard(records_dir, described, shard, only)


def sample(
    records_dir: str,
    split: str,
    count: int,
    *,
    only: Mapping[str, str] | None = None,
) -> Iterator[StoredSubject]:
    """Some subjects of a split in NumPy, one in memory at a time; always the same.

    As many shards as possible take part, evenly spaced, and of each its first subjects,
    so that of a large archive little is read.

    Args:
      records_dir: folder of the shards.
      split: "train", "validation" or "test".
      count: how many, if there are as many.
      only: text scalars by name: subjects of which one says something else, or that
        lack it, are passed over.

    Raises:
      FileNotFoundError: there is no complete set.
      ValueError: the split is empty, or a shard is missing or damaged.
    """
    only = only or {}
    described = manifest.load(records_dir)
    every = _shards_of(described, split, records_dir)
    there = [shard for shard in every if _num_of(shard, only)]
    num_read = min(count, len(there))
    shards = [there[n * len(there) // num_read] for n in range(num_read)]
    for number, shard in enumerate(shards):
        # What earlier shards were too small for is left to the later ones.
        share = -(-count // (len(shards) - number))
        for stored in itertools.islice(
            _read_some(records_dir, described, shard, only), share
        ):
            yield stored
            count -= 1


def all_subjects(
    records_dir: str, described: manifest.Manifest
) -> Iterator[tuple[str, StoredSubject]]:
    """The split and the content of every subject, one in memory at a time.

    Args:
      records_dir: folder of the shards.
      described: their manifest.

    Raises:
      ValueError: a shard is missing or damaged.
    """
    for shard in described.all_shards:
        for stored in read_shard(records_dir, described, shard):
            yield shard.split, stored


def read_shard(
    records_dir: str,
    described: manifest.Manifest,
    shard: manifest.Shard,
    only: Mapping[str, str] | None = None,
) -> Iterator[StoredSubject]:
    """The subjects of one shard in NumPy.

    Args:
      records_dir: folder of the shards.
      described: their manifest.
      shard: one of them.
      only: text scalars by name: subjects of which one says something else, or that
        lack it, are passed over, and no voxel of them is decoded.

    Raises:
      ValueError: the shard is missing or damaged.
    """
    path, only = storage.join(str(records_dir), shard.file), only or {}
    count = 0
    try:
        records = tf.data.TFRecordDataset(path, described.compression)
        if only:
            records = records.filter(lambda record: parsing.has_texts(record, only))
        for record in records.as_numpy_iterator():
            yield schema.decode(record)
            count += 1
    except tf.errors.OpError as error:
        raise ValueError(
            f"{path} cannot be read ({error.message}). Run `python -m records verify "
            f"--records={records_dir}` to see what is wrong; the command that made the "
            "shards, run again, replaces those that are damaged or missing."
        ) from error
    if count != (expected := _num_of(shard, only)):
        raise ValueError(
            f"{path} has {count} subjects; the manifest says {expected}. Run "
            f"`python -m records verify --records={records_dir}`."
        )


def _shards_of(
    described: manifest.Manifest, split: str, records_dir: str
) -> tuple[manifest.Shard, ...]:
    shards = described.shards(split)
    if not shards:
        counts = ", ".join(f"{name} {n}" for name, n in described.counts.items())
        raise ValueError(
            f"The split {split!r} of {records_dir} has no subjects; the splits have "
            f"{counts}. Convert the scans with another --split."
        )
    return shards
