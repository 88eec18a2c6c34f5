"""The three commands of `python -m records`, run once its flags are parsed."""

from __future__ import annotations

import argparse

from records import contact_sheet, conversion, manifest, overview, storage, verification
from records.datasets import DATASETS


def convert(flags: argparse.Namespace) -> int:
    """Makes shards, or completes those of an interrupted run."""
    kind = DATASETS[flags.dataset]
    settings = {name: getattr(flags, name) for name in kind.__dataclass_fields__}
    recipe = conversion.Recipe(
        dataset_name=flags.dataset,
        dataset=kind(**{k: v for k, v in settings.items() if v is not None}),
        split=flags.split,
        num_shards=flags.num_shards,
        compression=flags.compression,
        seed=flags.seed,
    )
    made = conversion.convert(recipe, flags.output, num_workers=flags.num_workers)
    counts = ", ".join(f"{split} {count}" for split, count in made.counts.items())
    print(f"{flags.output}: {len(made.all_shards)} shards; subjects: {counts}")
    return 0


def verify(flags: argparse.Namespace) -> int:
    """Prints what is wrong with a set of shards; 1 if anything is."""
    problems = verification.verify(flags.records)
    for problem in problems:
        print(f"problem: {problem}")
    noun = "problem" if len(problems) == 1 else "problems"
    print(f"{flags.records}: {len(problems) or 'no'} {noun} found")
    return 1 if problems else 0


def inspect(flags: argparse.Namespace) -> int:
    """Prints what a set of shards holds and draws its contact sheet."""
    print(overview.describe(manifest.load(flags.records)))
    figure = flags.figure or storage.join(flags.records, "contact_sheet.png")
    drawn = contact_sheet.draw(flags.records, figure, max_subjects=flags.max_subjects)
    print(f"contact sheet of {drawn} subjects: {figure}")
    return 0


COMMANDS = {"convert": convert, "verify": verify, "inspect": inspect}
