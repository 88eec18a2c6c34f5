"""What an earlier conversion left in the output folder, and what may be kept of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deepresolve.system import beam, progress_bar, storage
from records import manifest, shards


def finished(
    plans: Sequence[shards.Plan],
    recipe: Mapping,
    output: str,
    leave_out_bad: bool = False,
) -> dict[str, shards.Outcome]:
    """The shards that need no more work, by file name.

    They are those of the same plan whose bytes, and whose sources, are unchanged. What
    an unfinished conversion of another recipe left is deleted.

    Args:
      plans: the shards that are wanted.
      recipe: the settings they are made by, as JSON values.
      output: the folder.
      leave_out_bad: whether a shard may lack scans that cannot be used.

    Raises:
      ValueError: the folder holds a complete set of another recipe or from scans that
        have changed since, or shards that no conversion left unfinished.
    """
    complete = manifest.load(output) if manifest.exists(output) else None
    known = _unfinished(output)
    if complete is None:
        _refuse_foreign(known, output)
    else:
        _refuse_another_recipe(complete, plans, recipe, output)
        if not leave_out_bad:
            _refuse_without(complete, output)
        known = {**_finished(complete, plans), **known}
    plan_of = {plan.file: plan for plan in plans}
    done = {}
    for file, outcome in progress_bar.each(known.items(), "check", len(known), "shard"):
        plan = plan_of.get(file)
        shard = outcome.shard
        if plan is None or (shard and plan.fingerprint != shard.fingerprint):
            _remove_shard(output, file)
        elif changed := _changed_source(outcome, plan):
            if complete is not None:
                raise ValueError(
                    f"{output} holds a complete set, and the source of {changed!r} has "
                    "changed since. Give another --output, or delete that folder first."
                )
        elif outcome.problems and not leave_out_bad:
            pass  # It is made again, whole.
        elif shard is None or shards.is_intact(shard, output):
            done[file] = outcome
    return done


def clean(output: str) -> None:
    """Deletes what only an unfinished conversion needs."""
    _remove(output, shards.PROGRESS_SUFFIX)
    remove_temporaries(output)
    for name in storage.list_files(output):
        if name.endswith(beam.SCRATCH_SUFFIX):
            storage.remove_folder(storage.join(output, name))


def remove_temporaries(output: str) -> None:
    """Deletes files that a killed process did not finish."""
    _remove(output, storage.TEMPORARY_SUFFIX)


def _remove(output: str, suffix: str) -> None:
    for file in storage.list_files(output):
        if file.endswith(suffix):
            storage.remove(storage.join(output, file))


def _unfinished(output: str) -> dict[str, shards.Outcome]:
    """What a conversion noted of the shards it had written, by file name.

    The leavings of another version of ours are deleted.
    """
    found = {}
    for name in storage.list_files(output):
        if not name.endswith(shards.PROGRESS_SUFFIX):
            continue
        file = name.removesuffix(shards.PROGRESS_SUFFIX)
        outcome = shards.read_progress_note(storage.read(storage.join(output, name)))
        if outcome is None:
            _remove_shard(output, file)
        else:
            found[file] = outcome
    return found


def _remove_shard(output: str, file: str) -> None:
    storage.remove(storage.join(output, file))
    storage.remove(storage.join(output, file + shards.PROGRESS_SUFFIX))


def _finished(
    complete: manifest.Manifest, plans: Sequence[shards.Plan]
) -> dict[str, shards.Outcome]:
    """What became of each plan of a complete set, by file name."""
    shard_of = {shard.file: shard for shard in complete.all_shards}
    problem_of = {problem.subject: problem for problem in complete.left_out}
    return {
        plan.file: shards.Outcome(
            plan.file,
            shard_of.get(plan.file),
            tuple(problem_of[s.id] for s in plan.subjects if s.id in problem_of),
        )
        for plan in plans
    }


def _refuse_foreign(known: Mapping, output: str) -> None:
    for file in storage.list_files(output):
        if file.endswith(shards.SUFFIX) and file not in known:
            raise ValueError(
                f"{output} holds {file}, which no unfinished conversion left there, "
                "and no manifest. Give an empty folder as --output."
            )


def _refuse_another_recipe(
    complete: manifest.Manifest,
    plans: Sequence[shards.Plan],
    recipe: Mapping,
    output: str,
) -> None:
    then, now = manifest.settings(complete.recipe), manifest.settings(recipe)
    changes = [
        f"{key} was {then.get(key)}, is {now.get(key)}"
        for key in sorted({*then, *now})
        if then.get(key) != now.get(key)
    ]
    left_out = {problem.subject for problem in complete.left_out}
    wanted = {
        plan.file: plan.fingerprint
        for plan in plans
        if not left_out.issuperset(subject.id for subject in plan.subjects)
    }
    if wanted != {shard.file: shard.fingerprint for shard in complete.all_shards}:
        changes = changes or [
            "the scans, or their persons, sides and grades, are others"
        ]
    if changes:
        raise ValueError(
            f"{output} holds a complete set of another recipe: {'; '.join(changes)}. "
            "Give another --output, or delete that folder first."
        )


def _refuse_without(complete: manifest.Manifest, output: str) -> None:
    if complete.left_out:
        raise ValueError(
            f"{output} holds a complete set that leaves out {len(complete.left_out)} "
            f"scans, the first {complete.left_out[0].subject!r}. Give --leave_out_bad "
            "again, or mend them and give another --output."
        )


def _changed_source(outcome: shards.Outcome, plan: shards.Plan) -> str | None:
    """A subject whose source is not what was read then."""
    entries: tuple[manifest.Entry | manifest.Problem, ...] = outcome.problems
    if outcome.shard:
        entries += outcome.shard.subjects
    then = {each.subject: (each.source_sha256, each.label_sha256) for each in entries}
    for subject in plan.subjects:
        if then[subject.id] != shards.hashes(subject):
            return subject.id
    return None
