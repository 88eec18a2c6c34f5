"""The manifest: what a set of shards holds, without opening them.

It is written last: a folder with a manifest is a complete set. It is a JSON file, so
that other programs can read it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

import deepresolve
from deepresolve.system import paths, storage
from records.commands import again
from records.schema import SCHEMA_VERSION
from records.splits import SPLITS
from records.stored import Scalar, StoredSubject, voxels, voxels_sha256

FILE = "manifest.json"
_ANEW = "Convert the scans again into another folder."


@dataclasses.dataclass(frozen=True)
class ArrayEntry:
    """What the manifest tells of one array.

    Attributes:
      dtype: of the stored elements.
      shape: along its axes.
      grid: where it lies: on that of the "image", on one of its "own", or "none".
    """

    dtype: str
    shape: tuple[int, ...]
    grid: str


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the manifest tells of one subject; see `records.stored.StoredSubject`.

    Attributes:
      spacing_mm: distance between voxel centres along rows, columns and slices, in mm.
      plane: "sagittal", "coronal" or "axial".
      space: what the affine's millimetres are those of.
      arrays: by name, "image" among them.
      scalars: by name.
      voxels_sha256: of the image; see `records.stored.voxels_sha256`.
      notes: what a user should know of the scan, which was stored all the same.
    """

    subject: str
    person: str
    side: str
    spacing_mm: tuple[float, float, float]
    plane: str
    space: str
    arrays: Mapping[str, ArrayEntry]
    scalars: Mapping[str, Scalar]
    source: str
    source_sha256: str
    label_sha256: str
    voxels_sha256: str
    notes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns, slices) of the image."""
        return self.arrays["image"].shape

    @property
    def dtype(self) -> str:
        """Of the image's stored voxels."""
        return self.arrays["image"].dtype

    @property
    def labelled(self) -> bool:
        """Whether there is a label map."""
        return "label" in self.arrays

    def says(self, only: Mapping[str, str]) -> bool:
        """Whether its scalars are these, by name."""
        return all(self.scalars.get(name) == text for name, text in only.items())

    def told(self) -> Iterator[str]:
        """Its notes, each with its name."""
        for note in self.notes:
            yield f"Subject {self.subject!r} ({self.source}): {note}"


@dataclasses.dataclass(frozen=True)
class Problem:
    """A scan that cannot be used, and therefore stands in no shard.

    Attributes:
      subject: its id.
      split: the split that it would be in.
      source: where it comes from, for people to read.
      source_sha256: of its source, "" where that cannot be read.
      label_sha256: of its label map's source, "" where that cannot be read or there
        is none.
      reason: why it cannot be used.
    """

    subject: str
    split: str
    source: str
    source_sha256: str
    label_sha256: str
    reason: str

    def __str__(self) -> str:
        return f"Subject {self.subject!r} ({self.source}): {self.reason}"


@dataclasses.dataclass(frozen=True)
class Shard:
    """One TFRecord file.

    Attributes:
      file: its name.
      split: the split that it belongs to.
      num_subjects: number of records.
      num_bytes: size of the file.
      sha256: SHA-256 of the file.
      fingerprint: hash of the recipe and subjects it was made for.
      subjects: what it holds, in its order.
    """

    file: str
    split: str
    num_subjects: int
    num_bytes: int
    sha256: str
    fingerprint: str
    subjects: tuple[Entry, ...]


@dataclasses.dataclass(frozen=True)
class Manifest:
    """A complete set of shards.

    Attributes:
      recipe: every setting that determines the content, as JSON values.
      versions: of deepresolve, tensorflow, numpy and python, at the last conversion.
      label_names: what each label value means; empty without label maps.
      all_shards: the shards of all splits.
      left_out: the scans that could not be used, where these were to be left out.
      sha256: SHA-256 of the manifest file: it stands for the whole set.
    """

    recipe: dict
    versions: dict[str, str]
    label_names: dict[int, str]
    all_shards: tuple[Shard, ...]
    left_out: tuple[Problem, ...]
    sha256: str

    @property
    def compression(self) -> str:
        """Compression of the shards as TensorFlow names it: "" or "GZIP"."""
        return {"none": "", "gzip": "GZIP"}[self.recipe["compression"]]

    def shards(self, split: str) -> tuple[Shard, ...]:
        """The shards of a split; none where it is empty.

        Raises:
          ValueError: there is no split of that name.
        """
        if split not in SPLITS:
            raise ValueError(
                f"Unknown split {split!r}; expected one of {', '.join(SPLITS)}."
            )
        return tuple(shard for shard in self.all_shards if shard.split == split)

    def subjects(self, split: str) -> tuple[Entry, ...]:
        """The subjects of a split, in the order of its shards."""
        return tuple(e for shard in self.shards(split) for e in shard.subjects)

    def num_labelled(self, split: str) -> int:
        """Number of subjects of a split that have a label map."""
        return sum(entry.labelled for entry in self.subjects(split))

    @property
    def grades(self) -> dict[str, dict[int, dict[str, int]]]:
        """Number of subjects by scalar, value and split, of the whole-number scalars.

        Every split is there; names and values are in order.
        """
        found: Counter[tuple[str, int, str]] = Counter()
        for shard in self.all_shards:
            for subject in shard.subjects:
                for name, value in subject.scalars.items():
                    if isinstance(value, int):
                        found[name, value, shard.split] += 1
        grades: dict[str, dict[int, dict[str, int]]] = {}
        for name, value in sorted({(name, value) for name, value, _ in found}):
            counts = {split: found[name, value, split] for split in SPLITS}
            grades.setdefault(name, {})[value] = counts
        return grades

    @property
    def counts(self) -> dict[str, int]:
        """Number of subjects in each split."""
        counts: Counter[str] = Counter()
        for shard in self.all_shards:
            counts[shard.split] += shard.num_subjects
        return {split: counts[split] for split in SPLITS}


def settings(recipe: Mapping) -> dict:
    """A recipe as one table: the dataset's settings among the others."""
    others = {key: value for key, value in recipe.items() if key != "settings"}
    return {**others, **recipe["settings"]}


def entry(stored: StoredSubject, notes: Sequence[str] = ()) -> Entry:
    """What the manifest tells of a record."""
    image = stored.image
    return Entry(
        subject=stored.subject,
        person=stored.person,
        side=stored.side,
        spacing_mm=image.spacing_mm,
        plane=image.plane,
        space=image.space,
        arrays={name: _array_entry(stored, name) for name in stored.arrays},
        scalars=dict(stored.scalars),
        source=stored.source,
        source_sha256=stored.source_sha256,
        label_sha256=stored.label_sha256,
        voxels_sha256=voxels_sha256(image.array),
        notes=tuple(notes),
    )


def _array_entry(stored: StoredSubject, name: str) -> ArrayEntry:
    array = voxels(stored.arrays[name])
    shape = tuple(int(n) for n in array.shape)
    return ArrayEntry(array.dtype.name, shape, stored.grid(name))


def exists(records_dir: str) -> bool:
    """Whether the folder holds a complete set."""
    return storage.is_file(storage.join(str(records_dir), FILE))


def load(records_dir: str) -> Manifest:
    """Reads the manifest of a folder of shards.

    Raises:
      FileNotFoundError: the folder holds no manifest.
      ValueError: it is damaged, or of another schema version.
    """
    path = storage.join(str(records_dir), FILE)
    if not exists(records_dir):
        raise FileNotFoundError(paths.no_records(str(records_dir)))
    content = storage.read(path)
    try:
        fields = json.loads(content)
        version = fields["schema_version"]
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"{path} is not a manifest of shards: {error!r}. {_ANEW}"
        ) from error
    if version != SCHEMA_VERSION:
        raise ValueError(
            f"{path} has schema version {version}; this version of deepresolve reads "
            f"{SCHEMA_VERSION}. {_how_to_convert_again(fields, records_dir)}"
        )
    try:
        return Manifest(
            recipe=fields["recipe"],
            versions=fields["versions"],
            label_names={int(k): v for k, v in fields["label_names"].items()},
            all_shards=tuple(shard_from_json(shard) for shard in fields["shards"]),
            left_out=tuple(Problem(**left) for left in fields["left_out"]),
            sha256=hashlib.sha256(content).hexdigest(),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error!r}. {_ANEW}") from error


def _how_to_convert_again(fields: Mapping[str, Any], records_dir: str) -> str:
    command = again.command(fields, records_dir)
    return _ANEW if command is None else f"Convert the scans again: {command}"


def save(
    records_dir: str,
    recipe: dict,
    label_names: dict[int, str],
    shards: Sequence[Shard],
    left_out: Sequence[Problem] = (),
) -> None:
    """Writes the manifest, which makes the set complete.

    Raises:
      OSError: it could not be written.
    """
    content = {
        "schema_version": SCHEMA_VERSION,
        "recipe": recipe,
        "versions": {
            "deepresolve": deepresolve.__version__,
            "tensorflow": tf.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        "label_names": {str(value): name for value, name in label_names.items()},
        "left_out": [dataclasses.asdict(problem) for problem in left_out],
        "shards": [dataclasses.asdict(shard) for shard in shards],
    }
    text = json.dumps(content, indent=1) + "\n"
    storage.write(storage.join(records_dir, FILE), text.encode())


def shard_from_json(fields: dict) -> Shard:
    """The shard that `dataclasses.asdict` and JSON made these fields of.

    Raises:
      TypeError, KeyError: a field is missing or unknown.
    """
    entries = tuple(
        Entry(
            **{
                **subject,
                "spacing_mm": tuple(subject["spacing_mm"]),
                "arrays": {
                    name: ArrayEntry(**{**array, "shape": tuple(array["shape"])})
                    for name, array in subject["arrays"].items()
                },
                "notes": tuple(subject["notes"]),
            }
        )
        for subject in fields["subjects"]
    )
    return Shard(**{**fields, "subjects": entries})
