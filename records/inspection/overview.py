"""Tables of what a set of shards holds, from its manifest alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

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
# Of a grade that has a row for each.
_MOST_VALUES = 16


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
            _array_table(described),
            "",
            *([scalars, ""] if (scalars := _scalar_table(described)) else []),
            *([grades, ""] if (grades := _grade_table(described)) else []),
            f"{sum(counts.values())} subjects ({splits}) of {len(persons)} persons in "
            f"{len(described.all_shards)} shards, {_megabytes(size)} MiB",
            f"label maps: {_labelled(described)}",
            f"recipe: {_recipe(described)}",
            *findings(described),
        ]
    )


def brought(described: Manifest) -> str:
    """Which arrays and scalars the subjects have, in a line."""
    entries = list(_entries(described))
    arrays = _having(entry.arrays for entry in entries)
    line = f"arrays: {_listed_counts(arrays, len(entries))}"
    if scalars := _having(entry.scalars for entry in entries):
        line += f"; scalars: {_listed_counts(scalars, len(entries))}"
    return line


def _having(names_of: Iterable[Iterable[str]]) -> Counter:
    """How many subjects have each name, in the order in which they come up."""
    return Counter(name for names in names_of for name in names)


def _listed_counts(counts: Counter, total: int) -> str:
    return ", ".join(
        name if number == total else f"{name} ({number} of {total})"
        for name, number in counts.items()
    )


def _array_table(described: Manifest) -> str:
    """A row for each array of one dtype and grid."""
    entries = list(_entries(described))
    counts = Counter(
        (name, array.dtype, array.grid)
        for entry in entries
        for name, array in entry.arrays.items()
    )
    rows = [
        (*row, f"{number} of {len(entries)}") for row, number in sorted(counts.items())
    ]
    return table(("array", "dtype", "grid", "subjects"), rows)


def _scalar_table(described: Manifest) -> str:
    """A row for each scalar; "" where there are none."""
    entries = list(_entries(described))
    values = defaultdict(list)
    for entry in entries:
        for name, value in entry.scalars.items():
            values[name].append(value)
    rows = [
        (name, type(of[0]).__name__, f"{len(of)} of {len(entries)}", _spread(of))
        for name, of in sorted(values.items())
    ]
    return table(("scalar", "type", "subjects", "values"), rows) if rows else ""


def _spread(values: Sequence[float | int | str]) -> str:
    """The smallest and the largest number, or the different texts."""
    numbers = [value for value in values if not isinstance(value, str)]
    if not numbers:
        return listed(sorted({str(value) for value in values}), 4)
    low, high = min(numbers), max(numbers)
    return f"{low:.5g}" if low == high else f"{low:.5g} to {high:.5g}"


def _grade_table(described: Manifest) -> str:
    """A row for each value of each grade, by split; "" where there are none.

    A whole number of more values, such as an age, has its range among the scalars.
    """
    rows = []
    for name, counts_of in described.grades.items():
        if len(counts_of) <= _MOST_VALUES:
            rows += [
                (name, str(value), *(str(counts[split]) for split in SPLITS))
                for value, counts in counts_of.items()
            ]
            rows += _ungraded(name, counts_of, described.counts)
    return table(("grade", "value", *SPLITS), rows) if rows else ""


def _ungraded(
    name: str, counts_of: Mapping[int, Mapping[str, int]], total: Mapping[str, int]
) -> list[tuple[str, ...]]:
    """A row for the subjects without a grade; none where each has it."""
    without = [total[s] - sum(c[s] for c in counts_of.values()) for s in SPLITS]
    return [(name, "none", *map(str, without))] if any(without) else []


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
