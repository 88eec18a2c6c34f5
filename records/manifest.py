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

import numpy as np
import tensorflow as tf

import deepresolve
from deepresolve.system import paths, storage
from records.schema import SCHEMA_VERSION
from records.splits import SPLITS
from records.stored import StoredSubject, voxels_sha256

FILE = "manifest.json"
_ANEW = "Convert the scans again into another folder."


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the manifest tells of one subject; see `records.stored.StoredSubject`.

    Attributes:
      shape: (rows, columns, slices).
      spacing_mm: distance between voxel centres along those, in mm.
      dtype: of the stored voxels.
      plane: "sagittal", "coronal" or "axial".
      labelled: whether there is a label map.
      space: what the affine's millimetres are those of; "scanner" in the manifests of
        version 0.1, which do not tell.
      voxels_sha256: of `records.stored.voxels_sha256`; "" in sets of version 0.1.
      notes: what a user should know of the scan, which was stored all the same.
    """

    subject: str
    person: str
    side: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    dtype: str
    plane: str
    labelled: bool
    source: str
    source_sha256: str
    label_sha256: str
    space: str = "scanner"
    voxels_sha256: str = ""
    notes: tuple[str, ...] = ()

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
    def counts(self) -> dict[str, int]:
        """Number of subjects in each split."""
        counts = Counter()
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
        shape=tuple(int(n) for n in image.shape),
        spacing_mm=image.spacing_mm,
        dtype=image.array.dtype.name,
        plane=image.plane,
        labelled=stored.label is not None,
        source=stored.source,
        source_sha256=stored.source_sha256,
        label_sha256=stored.label_sha256,
        space=image.space,
        voxels_sha256=voxels_sha256(image.array),
        notes=tuple(notes),
    )


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
            f"{SCHEMA_VERSION}. {_ANEW}"
        )
    try:
        return Manifest(
            recipe=fields["recipe"],
            versions=fields["versions"],
            label_names={int(k): v for k, v in fields["label_names"].items()},
            all_shards=tuple(shard_from_json(shard) for shard in fields["shards"]),
            # Version 0.1 left nothing out.
            left_out=tuple(Problem(**left) for left in fields.get("left_out", ())),
            sha256=hashlib.sha256(content).hexdigest(),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error!r}. {_ANEW}") from error


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
                "shape": tuple(subject["shape"]),
                "spacing_mm": tuple(subject["spacing_mm"]),
                "notes": tuple(subject.get("notes", ())),
            }
        )
        for subject in fields["subjects"]
    )
    return Shard(**{**fields, "subjects": entries})
