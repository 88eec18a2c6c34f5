"""A prepared study: what may be shown, and the key, which may not.

STUDY/study.json        questions, readers, what each is shown and in which order
STUDY/images/ID.npy     one image, under a name that tells nothing
STUDY/answers.sqlite    see `answers`
STUDY/sealed/key.json   which image set lies where; opened by the analysis alone
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import pathlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from deepresolve.reading.study import questions as asked
from deepresolve.reading.study.answers import Answers

VERSION = 1
STUDY_FILE = "study.json"
IMAGE_FOLDER = "images"
ANSWERS_FILE = "answers.sqlite"
SEALED_FOLDER = "sealed"
KEY_FILE = "key.json"

_READER = re.compile(r"[^\W_][\w .-]{0,39}")


@dataclasses.dataclass(frozen=True)
class Presentation:
    """One showing of a case to a reader.

    Attributes:
      id: tells nothing.
      reader: to whom.
      images: ids of the images, from left to right; files of `images/`.
      shape: (slices, rows, columns) of each: sagittal slices.
      spacing_mm: distance between voxel centres along slices, rows and columns.
      orientation: where each index grows to: left, inferior, posterior ("LIP").
      window: lowest and highest displayed value of the stored uint16 voxels.
    """

    id: str
    reader: str
    images: tuple[str, ...]
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    orientation: str
    window: tuple[float, float]


@dataclasses.dataclass(frozen=True)
class Sealed:
    """What the key says of a presentation.

    Attributes:
      reader: to whom it was shown.
      case: the subject.
      repeat: 0 for the first time, 1 for the second, ...
      image_sets: from left to right.
    """

    reader: str
    case: str
    repeat: int
    image_sets: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Key:
    """The opened key.

    Attributes:
      seed: of the order and the placement.
      presentations: by id.
    """

    seed: int
    presentations: Mapping[str, Sealed]


@dataclasses.dataclass(frozen=True)
class Study:
    """All of a study that its server knows.

    Attributes:
      folder: where it lies.
      title: heading of the page.
      questions: what is asked of every presentation.
      readers: their names.
      order: by reader, ids of the presentations, first to last.
      all_presentations: by id.
      key_sha256: SHA-256 of the sealed key file.
    """

    folder: pathlib.Path
    title: str
    questions: tuple[asked.Question, ...]
    readers: tuple[str, ...]
    order: Mapping[str, tuple[str, ...]]
    all_presentations: Mapping[str, Presentation]
    key_sha256: str

    @classmethod
    def load(cls, folder: pathlib.Path | str) -> Study:
        """Reads `study.json`.

        Raises:
          FileNotFoundError: there is none.
          ValueError: it is no study, or one of another version.
        """
        folder = pathlib.Path(folder)
        path = folder / STUDY_FILE
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: there is no such file. Name a folder that "
                "`deepresolve reading prepare` has made."
            )
        described = _read_json(path)
        with _named(path):
            return cls(
                folder,
                title=described["title"],
                questions=asked.from_json(described["questions"]),
                readers=tuple(described["readers"]),
                order={k: tuple(ids) for k, ids in described["order"].items()},
                all_presentations=_presentations(described["presentations"]),
                key_sha256=described["key_sha256"],
            )

    def presentations(self, reader: str) -> tuple[Presentation, ...]:
        """What a reader is shown, first to last."""
        return tuple(self.all_presentations[name] for name in self.order[reader])

    @property
    def num_images(self) -> int:
        """How many images lie side by side."""
        return len(next(iter(self.all_presentations.values())).images)

    def question(self, name: str) -> asked.Question:
        """The question of that name; a ValueError where there is none."""
        found = self._questions_by_name.get(name)
        if found is None:
            raise ValueError(f"There is no question {name!r:.80}.")
        return found

    @functools.cached_property
    def _questions_by_name(self) -> dict[str, asked.Question]:
        return {question.name: question for question in self.questions}

    @property
    def answers(self) -> Answers:
        """The data base of answers."""
        return Answers(self.folder / ANSWERS_FILE)

    def image_path(self, image: str) -> pathlib.Path:
        """Where an image of the study lies."""
        return self.folder / IMAGE_FOLDER / f"{image}.npy"


def describe(study: Study) -> dict[str, Any]:
    """The content of `study.json`."""
    shown = {}
    for name, presentation in study.all_presentations.items():
        shown[name] = dataclasses.asdict(presentation)
        del shown[name]["id"]
    return {
        "version": VERSION,
        "title": study.title,
        "questions": asked.to_json(study.questions),
        "readers": list(study.readers),
        "order": {reader: list(ids) for reader, ids in study.order.items()},
        "presentations": shown,
        "key_sha256": study.key_sha256,
    }


def load_key(folder: pathlib.Path | str) -> Key:
    """Opens the key, once it is seen to be the one that was sealed.

    Raises:
      FileNotFoundError: the study or its key is missing.
      ValueError: the key is not the one whose hash was recorded before the first
        answer.
    """
    study = Study.load(folder)
    path = study.folder / SEALED_FOLDER / KEY_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path}: the study's key is missing; put it back.")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    sealed, sealed_at = study.answers.seal()
    if not found == sealed == study.key_sha256:
        raise ValueError(
            f"{path}: its SHA-256 is {found}, but {sealed} was recorded at {sealed_at} "
            f"in {ANSWERS_FILE} and {study.key_sha256} in {STUDY_FILE}. The key or the "
            "study has been changed since; bring back what `prepare` wrote."
        )
    described = _read_json(path)
    with _named(path):
        presentations = {
            name: Sealed(**{**row, "image_sets": tuple(row["image_sets"])})
            for name, row in described["presentations"].items()
        }
        return Key(described["seed"], presentations)


def check_readers(readers: tuple[str, ...]) -> None:
    """Raises a ValueError where names of readers are odd, or one occurs twice."""
    odd = [name for name in readers if not _READER.fullmatch(name)]
    if odd or not readers or len(set(readers)) < len(readers):
        raise ValueError(
            "Readers have names of their own, of letters, digits, spaces, dots, dashes "
            f"and underscores, 40 at most; got {', '.join(map(repr, readers))}."
        )


def _presentations(described: Mapping[str, Any]) -> dict[str, Presentation]:
    return {
        name: Presentation(
            id=name,
            reader=row["reader"],
            images=tuple(row["images"]),
            shape=tuple(row["shape"]),
            spacing_mm=tuple(row["spacing_mm"]),
            orientation=row["orientation"],
            window=tuple(row["window"]),
        )
        for name, row in described.items()
    }


def _read_json(path: pathlib.Path) -> dict[str, Any]:
    with _named(path):
        described = json.loads(path.read_text(encoding="utf-8"))
        if described.get("version") != VERSION:
            raise ValueError(
                f"expected version {VERSION}, got {described.get('version')}; use the "
                "DeepResolve that prepared the study"
            )
        return described


@contextlib.contextmanager
def _named(path: pathlib.Path) -> Iterator[None]:
    """Puts the file's name before what is wrong with its content."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"there is no {error}" if isinstance(error, KeyError) else error
        raise ValueError(
            f"{path}: {what}. `prepare` writes this file; bring back what it wrote."
        ) from error
