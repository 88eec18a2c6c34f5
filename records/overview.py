"""Tables of what a set of shards holds, from its manifest alone."""

from __future__ import annotations

from collections.abc import Sequence

from records.manifest import Entry, Manifest, settings
from records.splits import SPLITS

_SUBJECT_COLUMNS = (
    "subject",
    "person",
    "side",
    "split",
    "plane",
    "shape",
    "spacing_mm",
    "dtype",
    "labels",
)


def describe(described: Manifest) -> str:
    """The shards, the subjects and the recipe as text for a terminal."""
    counts = described.counts
    splits = ", ".join(f"{split} {count}" for split, count in counts.items())
    persons = {e.person for shard in described.all_shards for e in shard.subjects}
    size = sum(shard.num_bytes for shard in described.all_shards)
    return "\n".join(
        [
            _shard_table(described),
            "",
            _subject_table(described),
            "",
            f"{sum(counts.values())} subjects ({splits}) of {len(persons)} persons in "
            f"{len(described.all_shards)} shards, {_megabytes(size)} MiB",
            f"label maps: {_labelled(described)}",
            f"recipe: {_recipe(described)}",
        ]
    )


def _labelled(described: Manifest) -> str:
    """How many subjects of each split have a label map."""
    return ", ".join(
        f"{split} {described.num_labelled(split)} of {described.counts[split]}"
        for split in SPLITS
    )


def _recipe(described: Manifest) -> str:
    """The settings that were given; the names of labels have a table of their own."""
    given = settings(described.recipe)
    return ", ".join(
        f"{name} {value}"
        for name, value in given.items()
        if value is not None and name != "label_names"
    )


def _shard_table(described: Manifest) -> str:
    rows = [
        (s.file, s.split, str(s.num_subjects), _megabytes(s.num_bytes), s.sha256[:12])
        for s in described.all_shards
    ]
    return table(("shard", "split", "subjects", "MiB", "sha256"), rows)


def _subject_table(described: Manifest) -> str:
    rows = [
        _subject_row(entry, shard.split)
        for shard in described.all_shards
        for entry in shard.subjects
    ]
    return table(_SUBJECT_COLUMNS, rows)


def _subject_row(entry: Entry, split: str) -> tuple[str, ...]:
    return (
        entry.subject,
        entry.person,
        entry.side,
        split,
        entry.plane,
        " x ".join(str(n) for n in entry.shape),
        " x ".join(f"{spacing:.4g}" for spacing in entry.spacing_mm),
        entry.dtype,
        "yes" if entry.labelled else "no",
    )


def _megabytes(num_bytes: int) -> str:
    return f"{num_bytes / 2**20:.1f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for a terminal: left-aligned columns, two spaces between them."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
