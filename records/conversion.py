"""From scans to a complete set of shards: what to make, what is there, who makes it."""

from __future__ import annotations

import dataclasses
import json
import logging
import pathlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from deepresolve import progress_bar, storage
from records import manifest, resume, shards, splits
from records.runners import ProcessPool
from records.subject import Subject

_logger = logging.getLogger(__name__)

COMPRESSIONS = ("none", "gzip")


class Runner(Protocol):
    """Who writes the shards; see `records.runners`."""

    def run(
        self,
        work: shards.ShardWriter,
        plans: Sequence[shards.Plan],
        advance: Callable[[int], None],
    ) -> Iterator[shards.Outcome]:
        """Writes the shards, in any order; tells `advance` of scans that are done."""


class Dataset(Protocol):
    """A frozen dataclass of settings; see `records.datasets`."""

    @property
    def label_names(self) -> dict[int, str]:
        """What each label value means: every one that the scans hold, but 0."""

    def describe(self) -> list[str]:
        """What lies where the scans come from, a line each, for the user."""

    def subjects(self, seed: int) -> Iterator[Subject]:
        """The scans."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Everything that determines the content of the shards.

    Attributes:
      dataset_name: the dataset's name in `records.datasets.DATASETS`.
      dataset: where the scans come from.
      split: percentages of train, validation and test, or a name in `splits.PRESETS`;
        None for the subjects' own splits, or `splits.DEFAULT_PERCENTAGES` where they
        bring none.
      num_shards: shards of every split, None for the rule of `records.shards`.
      compression: "none" or "gzip".
      seed: of the split and of the order of subjects.
    """

    dataset_name: str
    dataset: Dataset
    split: Sequence[float] | str | None = None
    num_shards: int | None = None
    compression: str = "none"
    seed: int = 0

    def __post_init__(self):
        if self.compression not in COMPRESSIONS:
            raise ValueError(
                f"compression must be one of {', '.join(COMPRESSIONS)}; got "
                f"{self.compression!r}."
            )
        if self.num_shards is not None and self.num_shards < 1:
            raise ValueError(f"num_shards must be 1 or more; got {self.num_shards}.")

    def to_json(self) -> dict:
        """The recipe as JSON values, for the manifest."""
        fields = {
            "dataset": self.dataset_name,
            "settings": dataclasses.asdict(self.dataset),
            "split": self.split,
            "num_shards": self.num_shards,
            "compression": self.compression,
            "seed": self.seed,
        }
        return json.loads(json.dumps(fields))


def convert(
    recipe: Recipe, output: str, runner: Runner | None = None
) -> manifest.Manifest:
    """Makes the shards and the manifest of a recipe, or completes them.

    Shards that an interrupted run of the same recipe left are kept if their bytes and
    the scans they came from are unchanged. A complete set of another recipe is never
    touched; the leavings of an unfinished one are replaced. Scans that cannot be used
    do not stop the others, so that all of them are known at the end.

    Args:
      recipe: what to make.
      output: folder of the shards, local or a URL that `tf.io.gfile` reaches.
      runner: who writes the shards, the same bytes whoever it is; by default this
        process.

    Returns:
      The manifest of the complete set.

    Raises:
      ValueError: scans cannot be used, or `output` holds another set.
      OSError: a file cannot be read or written, or a worker died.
    """
    _check_apart(getattr(recipe.dataset, "source", None), output)
    subjects = list(recipe.dataset.subjects(recipe.seed))
    _check_unique(subjects)
    percentages = splits.percentages_for(subjects, recipe.split)
    recipe = dataclasses.replace(recipe, split=percentages)
    subjects_of = splits.assign(subjects, percentages, recipe.seed)
    plans = shards.plan(subjects_of, recipe.num_shards, recipe.seed, recipe.to_json())
    storage.make_folder(output)
    done = resume.finished(plans, recipe.to_json(), output)
    remaining = [plan for plan in plans if plan.file not in done]
    label_names = recipe.dataset.label_names
    work = shards.ShardWriter(output, recipe.compression, label_names)
    num_done = sum(shard.num_subjects for shard in done.values())
    with progress_bar.shown("convert", len(subjects), "scan", done=num_done) as bar:
        done |= _write_all(runner or ProcessPool(1), work, remaining, bar.update)
    if remaining or not manifest.exists(output):
        in_order = [done[plan.file] for plan in plans]
        manifest.save(output, recipe.to_json(), label_names, in_order)
    resume.clean(output)
    made = manifest.load(output)
    _warn_of_copies(made)
    return made


def _check_apart(source: str | None, output: str) -> None:
    """ValueError where shards would lie among the scans."""
    if source and pathlib.Path(source).resolve() == pathlib.Path(output).resolve():
        raise ValueError(
            f"--output={output} is the folder of the scans. Give the shards one of "
            "their own."
        )


def _warn_of_copies(made: manifest.Manifest) -> None:
    """A scan that is there twice, under two persons, may be in two splits."""
    persons: dict[str, set[str]] = {}
    for stored in (s for shard in made.all_shards for s in shard.subjects):
        persons.setdefault(stored.source_sha256, set()).add(stored.person)
    for several in persons.values():
        if len(several) > 1:
            _logger.warning(
                "The same scan stands for %d persons, %s: leave the copies out, or a "
                "test measures what was trained on.",
                len(several),
                ", ".join(sorted(several)[:4]),
            )


def _write_all(
    runner: Runner,
    work: shards.ShardWriter,
    plans: Sequence[shards.Plan],
    advance: Callable[[int], None],
) -> dict[str, manifest.Shard]:
    """The shards by file name; ValueError with every scan that cannot be used."""
    done, problems = {}, {}
    for outcome in runner.run(work, plans, advance) if plans else ():
        done[outcome.file] = outcome.shard
        problems[outcome.file] = outcome.problems
        for note in outcome.notes:
            _logger.warning(note)
    # In the order of the plans, whoever was first.
    found = [problem for plan in plans for problem in problems[plan.file]]
    if len(found) > 1:
        listed = "".join(f"\n  {problem}" for problem in found)
        raise ValueError(f"{len(found)} scans cannot be used:{listed}")
    if found:
        raise ValueError(found[0])
    return done


def _check_unique(subjects: Sequence[Subject]) -> None:
    repeated = [n for n, k in Counter(s.id for s in subjects).items() if k > 1]
    if repeated:
        raise ValueError(f"Several subjects have the id {repeated[0]!r}.")
