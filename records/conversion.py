"""From scans to a complete set of shards: what to make, what is there, who makes it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import pathlib
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, Protocol, cast

from deepresolve.system import locking, progress_bar
from records import manifest, resume, shards, splits
from records.inspection import overview
from records.runners import ProcessPool
from records.subject import Brings, Subject

_logger = logging.getLogger(__name__)

COMPRESSIONS = ("none", "gzip")


class Runner(Protocol):
    """Who writes the shards; see `records.runners`."""

    def run(
        self,
        work: shards.ShardWriter,
        plans: Sequence[shards.Plan],
        advance: Callable[[int], None],
    ) -> Generator[shards.Outcome]:
        """Writes the shards, in any order; tells `advance` of scans that are done."""


class Dataset(Protocol):
    """A frozen dataclass of settings; see `records.datasets`."""

    @property
    def brings(self) -> Brings:
        """The arrays and scalars that the scans may have; mostly of the class."""

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
      stratify: grades of which the splits are to have like shares; see
        `splits.assign`.
    """

    dataset_name: str
    dataset: Dataset
    split: Sequence[float] | str | None = None
    num_shards: int | None = None
    compression: str = "none"
    seed: int = 0
    stratify: Sequence[str] = ()

    def __post_init__(self) -> None:
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
            "settings": dataclasses.asdict(cast(Any, self.dataset)),
            "split": self.split,
            "num_shards": self.num_shards,
            "compression": self.compression,
            "seed": self.seed,
            # Not where there is none: earlier sets, which lack it, stay the same.
            **({"stratify": self.stratify} if self.stratify else {}),
        }
        return json.loads(json.dumps(fields))


def convert(
    recipe: Recipe,
    output: str,
    runner: Runner | None = None,
    *,
    leave_out_bad: bool = False,
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
      leave_out_bad: whether to make the set without the scans that cannot be used. They
        are told, and stand in the manifest. The splits are dealt before any is read, so
        that no other scan changes its split for them.

    Returns:
      The manifest of the complete set.

    Raises:
      ValueError: scans cannot be used (all of a split, with `leave_out_bad`), or
        `output` holds another set.
      OSError: a file cannot be read or written, a worker died, or another process is
        converting into `output`.
    """
    _check_apart(getattr(recipe.dataset, "source", None), output)
    with locking.held(output, "conversion", "give another --output"):
        return _convert(recipe, output, runner or ProcessPool(1), leave_out_bad)


def _convert(
    recipe: Recipe, output: str, runner: Runner, leave_out_bad: bool
) -> manifest.Manifest:
    subjects = _found(recipe)
    _check_unique(subjects)
    percentages = splits.percentages_for(subjects, recipe.split)
    recipe = dataclasses.replace(recipe, split=percentages)
    subjects_of = splits.assign(subjects, percentages, recipe.seed, recipe.stratify)
    plans = shards.plan(subjects_of, recipe.num_shards, recipe.seed, recipe.to_json())
    done = resume.finished(plans, recipe.to_json(), output, leave_out_bad)
    remaining = [plan for plan in plans if plan.file not in done]
    label_names = recipe.dataset.label_names
    work = shards.ShardWriter(
        output, recipe.compression, label_names, recipe.dataset.brings, leave_out_bad
    )
    num_done = sum(len(plan.subjects) for plan in plans if plan.file in done)
    with progress_bar.shown("convert", len(subjects), "scan", done=num_done) as bar:
        done |= _write_all(runner, work, remaining, bar.update)
    in_order = [done[plan.file] for plan in plans]
    left_out = [problem for outcome in in_order for problem in outcome.problems]
    _check_usable(left_out, subjects_of, leave_out_bad)
    if remaining or not manifest.exists(output):
        written = [outcome.shard for outcome in in_order if outcome.shard]
        manifest.save(output, recipe.to_json(), label_names, written, left_out)
    resume.clean(output)
    made = manifest.load(output)
    _tell(made)
    return made


def _found(recipe: Recipe) -> list[Subject]:
    """The scans; headers of a large archive take minutes to read."""
    found = []
    with progress_bar.shown("search", None, "scan") as bar:
        for subject in recipe.dataset.subjects(recipe.seed):
            found.append(subject)
            bar.update()
    return found


def _check_apart(source: str | None, output: str) -> None:
    """ValueError where shards would lie among the scans."""
    if source and pathlib.Path(source).resolve() == pathlib.Path(output).resolve():
        raise ValueError(
            f"--output={output} is the folder of the scans. Give the shards one of "
            "their own."
        )


def _write_all(
    runner: Runner,
    work: shards.ShardWriter,
    plans: Sequence[shards.Plan],
    advance: Callable[[int], None],
) -> dict[str, shards.Outcome]:
    """What becomes of each plan, by file name."""
    if not plans:
        return {}
    try:
        with contextlib.closing(runner.run(work, plans, advance)) as outcomes:
            return {outcome.file: outcome for outcome in outcomes}
    finally:
        # What a process that was killed could not delete.
        resume.remove_temporaries(work.output)


def _check_usable(
    problems: Sequence[manifest.Problem],
    subjects_of: Mapping[str, Sequence[Subject]],
    leave_out_bad: bool,
) -> None:
    """ValueError where scans that cannot be used are not to be left out, or are all."""
    lost = Counter(problem.split for problem in problems)
    empty = [split for split in lost if lost[split] == len(subjects_of[split])]
    if not problems or (leave_out_bad and not empty):
        return
    listed = "".join(f"\n  {problem}" for problem in problems)
    if leave_out_bad:
        raise ValueError(
            f"{' and '.join(empty)} would be left without a scan. Mend one, or give "
            f"another --seed or --split:{listed}"
        )
    # Where a split would be empty, it is no way on.
    remedy = "" if empty else "\n--leave_out_bad makes the set of the others."
    if len(problems) == 1:
        raise ValueError(f"{problems[0]}{remedy}")
    raise ValueError(f"{len(problems)} scans cannot be used:{listed}{remedy}")


def _tell(made: manifest.Manifest) -> None:
    """What a user should know of the set."""
    for text in overview.findings(made):
        _logger.warning("%s", text)


def _check_unique(subjects: Sequence[Subject]) -> None:
    repeated = [n for n, k in Counter(s.id for s in subjects).items() if k > 1]
    if repeated:
        raise ValueError(f"Several subjects have the id {repeated[0]!r}.")
