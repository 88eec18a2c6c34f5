"""Checks that a set of shards is what its manifest says."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator

from deepresolve.imaging import labels
from deepresolve.system import progress_bar, storage
from records import manifest, reader, shards
from records.stored import StoredSubject


def verify(records_dir: str) -> list[str]:
    """Reads every byte of a set of shards.

    Args:
      records_dir: folder of the shards.

    Returns:
      What is wrong, a sentence each; empty where all is well.

    Raises:
      FileNotFoundError, ValueError: there is no manifest that can be read.
    """
    described = manifest.load(records_dir)
    problems = [*_unlisted(described, records_dir), *_shared_persons(described)]
    all_shards = described.all_shards
    for shard in progress_bar.each(all_shards, "verify", len(all_shards), "shard"):
        problems += _check_shard(shard, described, records_dir)
    return problems


def _unlisted(described: manifest.Manifest, records_dir: str) -> Iterator[str]:
    listed = {shard.file for shard in described.all_shards}
    for file in storage.list_files(str(records_dir)):
        if file.endswith(shards.SUFFIX) and file not in listed:
            yield f"{file} is not in the manifest."


def _shared_persons(described: manifest.Manifest) -> Iterator[str]:
    splits = defaultdict(set)
    for shard in described.all_shards:
        for entry in shard.subjects:
            splits[entry.person].add(shard.split)
    for person, found in splits.items():
        if len(found) > 1:
            yield f"Person {person!r} is in {' and '.join(sorted(found))}."


def _check_shard(
    shard: manifest.Shard, described: manifest.Manifest, records_dir: str
) -> Iterator[str]:
    path = storage.join(str(records_dir), shard.file)
    if not storage.is_file(path):
        yield f"{shard.file} is missing."
        return
    size = storage.num_bytes(path)
    if size != shard.num_bytes:
        yield f"{shard.file} has {size} bytes; the manifest says {shard.num_bytes}."
        return
    if storage.sha256(path) != shard.sha256:
        yield f"{shard.file} was changed: its SHA-256 is not the manifest's."
        return
    entries = []
    try:
        for stored in reader.read_shard(records_dir, described, shard):
            entries.append(manifest.entry(stored))
            yield from _unnamed_labels(stored, described, shard)
    except ValueError as error:
        yield str(error)
        return
    same = len(entries) == len(shard.subjects)
    if not same or not all(map(_is_of, shard.subjects, entries)):
        yield f"{shard.file} does not hold the subjects that the manifest lists."


def _is_of(listed: manifest.Entry, read: manifest.Entry) -> bool:
    """Whether an entry is that of a record, which knows no notes."""
    return dataclasses.replace(listed, notes=()) == read


def _unnamed_labels(
    stored: StoredSubject, described: manifest.Manifest, shard: manifest.Shard
) -> Iterator[str]:
    if stored.label is None:
        return
    try:
        labels.check_values(stored.label.array, described.label_names)
    except ValueError as error:
        yield f"{shard.file}, subject {stored.subject!r}: {error}"
