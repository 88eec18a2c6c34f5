"""What an earlier conversion left in the output folder, and what may be kept of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from deepresolve import beam, progress_bar, storage
from records import manifest, shards


def finished(
    plans: Sequence[shards.Plan], recipe: Mapping, output: str
) -> dict[str, manifest.Shard]:
    """The shards that need no more work, by file name.

    They are those of the same plan whose bytes, and whose sources, are unchanged. What
    an unfinished conversion of another recipe left is deleted.

    Args:
      plans: the shards that are wanted.
      recipe: the settings they are made by, as JSON values.
      output: the folder.

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
        known = {**{shard.file: shard for shard in complete.all_shards}, **known}
    plan_of = {plan.file: plan for plan in plans}
    done = {}
    for file, shard in progress_bar.each(known.items(), "check", "shard", len(known)):
        plan = plan_of.get(file)
        if plan is None or plan.fingerprint != shard.fingerprint:
            storage.remove(storage.join(output, file))
            storage.remove(storage.join(output, file + shards.PROGRESS_SUFFIX))
        elif changed := _changed_source(shard, plan):
            if complete is not None:
                raise ValueError(
                    f"{output} holds a complete set, and the source of {changed!r} has "
                    "changed since. Give another --output, or delete that folder first."
                )
        elif shards.is_intact(shard, output):
            done[file] = shard
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


def _unfinished(output: str) -> dict[str, manifest.Shard]:
    """What a conversion noted of the shards it had written, by file name."""
    notes = [
        storage.read(storage.join(output, file))
        for file in storage.list_files(output)
        if file.endswith(shards.PROGRESS_SUFFIX)
    ]
    found = [manifest.shard_from_json(json.loads(note)) for note in notes]
    return {shard.file: shard for shard in found}


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
    wanted = {plan.file: plan.fingerprint for plan in plans}
    if wanted != {shard.file: shard.fingerprint for shard in complete.all_shards}:
        changes = changes or ["the scans, or their persons and sides, are others"]
    if changes:
        raise ValueError(
            f"{output} holds a complete set of another recipe: {'; '.join(changes)}. "
            "Give another --output, or delete that folder first."
        )


def _changed_source(shard: manifest.Shard, plan: shards.Plan) -> str | None:
    """A subject whose source is not what the shard was made from."""
    for entry, subject in zip(shard.subjects, plan.subjects, strict=True):
        if (entry.source_sha256, entry.label_sha256) != subject.hashes():
            return entry.subject
    return None
