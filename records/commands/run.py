"""The three commands of `python -m records`, run once its flags are parsed."""

from __future__ import annotations

import argparse
from typing import Any

from deepresolve.system import notes, progress_bar, storage
from records import conversion, manifest, reader, settings, verification
from records.datasets import DATASETS
from records.inspection import overview
from records.inspection.label_volumes import LabelVolumes
from records.runners import RUNNERS


def convert(flags: argparse.Namespace) -> int:
    """Makes shards, or completes those of an interrupted run."""
    recipe = conversion.Recipe(
        dataset_name=flags.dataset,
        dataset=_make(DATASETS[flags.dataset], flags),
        split=flags.split,
        num_shards=flags.num_shards,
        compression=flags.compression,
        seed=flags.seed,
        stratify=flags.stratify,
    )
    notes.tell(recipe.dataset.describe())
    runner = _make(RUNNERS[flags.runner], flags)
    made = conversion.convert(
        recipe, flags.output, runner, leave_out_bad=flags.leave_out_bad
    )
    counts = ", ".join(f"{split} {count}" for split, count in made.counts.items())
    print(f"{flags.output}: {len(made.all_shards)} shards; subjects: {counts}")
    print(overview.brought(made))
    return 0


def _make(kind: type, flags: argparse.Namespace) -> Any:
    """A dataset or runner from its flags; one not given keeps its default."""
    given = {name: getattr(flags, name) for name in settings.flags_of(kind)}
    return kind(**{k: v for k, v in given.items() if v is not None})


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
    # Brings Matplotlib along, which `convert` need not wait for.
    from records.inspection.contact_sheet import ContactSheet

    described = manifest.load(flags.records)
    print(overview.describe(described))
    names, total = described.label_names, sum(described.counts.values())
    sheet = ContactSheet(total, names, max_subjects=flags.max_subjects)
    volumes = LabelVolumes(names)
    subjects = reader.all_subjects(flags.records, described)
    for split, stored in progress_bar.each(subjects, "inspect", total, "scan"):
        volumes.add(stored)
        sheet.add(stored, split)
    if table := volumes.describe():
        print(f"\n{table}\n")
    figure = flags.figure or storage.join(flags.records, "contact_sheet.png")
    sheet.save(figure)
    print(f"contact sheet of {sheet.num_drawn} subjects: {figure}")
    return 0


COMMANDS = {"convert": convert, "verify": verify, "inspect": inspect}
