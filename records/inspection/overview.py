"""Tables of what a set of shards holds, from its manifest alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from deepresolve.system.wording import counted, listed
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
    persons = {entry.person for entry in _entries(described)}
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
            *findings(described),
        ]
    )


def findings(described: Manifest) -> Iterator[str]:
    """What a user should know of the scans, a text each: notes, losses and copies."""
    notes = [note for e in _entries(described) for note in e.told()]
    if notes:
        yield notes[0] if len(notes) == 1 else _listing(f"{len(notes)} notes", notes)
    if described.left_out:
        yield _left_out(described)
    yield from _copies(described)


def _left_out(described: Manifest) -> str:
    number = len(described.left_out)
    lost = Counter(problem.split for problem in described.left_out)
    splits = ", ".join(
        f"{split} {lost[split]} of {lost[split] + count}"
        for split, count in described.counts.items()
        if lost[split]
    )
    scans = (
        f"{counted(number, 'scan')} cannot be used and {'are' if number > 1 else 'is'}"
    )
    return _listing(
        f"{scans} left out (of {splits}; no other scan changes its split for that)",
        described.left_out,
    )


def _entries(described: Manifest) -> Iterator[Entry]:
    for shard in described.all_shards:
        yield from shard.subjects


def _listing(title: str, items: Sequence) -> str:
    return title + ":" + "".join(f"\n  {item}" for item in items)


def _copies(described: Manifest) -> Iterator[str]:
    """A scan that is there twice, under two persons, may be in two splits."""
    told = set()
    for key in ("source_sha256", "voxels_sha256"):
        persons = defaultdict(set)
        for entry in _entries(described):
            persons[getattr(entry, key)].add(entry.person)
        for value, several in persons.items():
            if value and len(several) > 1 and frozenset(several) not in told:
                told.add(frozenset(several))
                what = "scan stands" if key == "source_sha256" else "voxels stand"
                yield (
                    f"The same {what} for {len(several)} persons, "
                    f"{listed(sorted(several), 4)}: leave the copies out, or a "
                    "test measures what was trained on."
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
