"""Makes a study out of an evaluation: draws, blinds, arranges, seals."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from deepresolve.reading import study as studies
from deepresolve.reading.study import cases as kept
from deepresolve.reading.study import placement
from deepresolve.reading.study.answers import Answers
from deepresolve.reading.study.questions import Question, problem_of_title
from deepresolve.system import files

# What fits side by side.
_NUM_SETS = (2, 4)
# All images have this time: 2000-01-01, UTC.
_TIME = 946684800


@dataclasses.dataclass(frozen=True)
class Design:
    """What a study is to be.

    Attributes:
      title: heading of the page; must tell nothing of the image sets' places.
      questions: what is asked.
      readers: their names.
      image_sets: which sets are compared.
      num_cases: how many cases to draw; None for all.
      repeats: how often a reader sees each case.
      seed: of the draw, the order and the placement; None for one that nobody knows.

    Raises:
      ValueError: a value is out of its range.
    """

    title: str
    questions: tuple[Question, ...]
    readers: tuple[str, ...]
    image_sets: tuple[str, ...]
    num_cases: int | None = None
    repeats: int = 2
    seed: int | None = None

    def __post_init__(self) -> None:
        if problem := problem_of_title(self.title):
            raise ValueError(f"The study's {problem}; got {self.title!r:.80}.")
        studies.check_readers(self.readers)
        low, high = _NUM_SETS
        distinct = len(set(self.image_sets))
        if not low <= distinct <= high or distinct < len(self.image_sets):
            raise ValueError(
                f"A study compares {low} to {high} different image sets; got "
                f"{', '.join(self.image_sets) or 'none'}."
            )
        if self.repeats < 1 or (self.num_cases is not None and self.num_cases < 1):
            raise ValueError(
                f"Cases and repeats are counted from 1; got {self.num_cases} cases, "
                f"{self.repeats} repeats."
            )
        if self.seed is not None and self.seed < 0:
            raise ValueError(f"A seed is 0 or above; got {self.seed}.")


@dataclasses.dataclass(frozen=True)
class _Shown:
    """A presentation before it is blinded."""

    id: str
    reader: str
    case: int
    repeat: int
    image_sets: tuple[str, ...]
    images: tuple[str, ...]


def prepare(
    evaluation: pathlib.Path, output: pathlib.Path, design: Design
) -> studies.Study:
    """Writes the study's folder: the whole of it, or nothing.

    Args:
      evaluation: folder of a report whose volumes were kept.
      output: the study's folder, which is empty or does not exist.
      design: what the study is to be.

    Raises:
      FileExistsError: there is something at `output`.
      FileNotFoundError: the evaluation kept no volumes.
      ValueError: it kept too few of them, or not these image sets.
    """
    files.check_new_folder(output)
    seed = secrets.randbits(63) if design.seed is None else design.seed
    drawn = _draw(kept.find(evaluation), evaluation, design, seed)
    shown = _arrange(len(drawn), design, seed)
    with files.replacing_folder(output) as folder:
        key = _key(seed, drawn, shown)
        _seal(folder / studies.SEALED_FOLDER, key)
        presentations = _write_images(
            folder / studies.IMAGE_FOLDER, drawn, shown, design.image_sets
        )
        study = studies.Study(
            folder=output,
            title=design.title,
            questions=design.questions,
            readers=design.readers,
            order={
                reader: tuple(s.id for s in shown if s.reader == reader)
                for reader in design.readers
            },
            all_presentations=dict(sorted(presentations.items())),
            key_sha256=hashlib.sha256(key).hexdigest(),
        )
        Answers.create(folder / studies.ANSWERS_FILE, study.key_sha256)
        _write_json(folder / studies.STUDY_FILE, studies.describe(study))
    return study


def _draw(
    found: list[kept.Case], evaluation: pathlib.Path, design: Design, seed: int
) -> list[kept.Case]:
    for case in found:
        missing = [name for name in design.image_sets if name not in case.paths]
        if missing:
            raise ValueError(
                f"{evaluation}: {case.subject} has no {', '.join(missing)}; there are "
                f"{', '.join(case.paths)}. Choose among them by --image_sets."
            )
    wanted = len(found) if design.num_cases is None else design.num_cases
    fewest = 2 if design.repeats > 1 else 1
    if wanted > len(found):
        raise ValueError(
            f"{evaluation}: {wanted} cases are wanted, but it has {len(found)}. Ask "
            "for fewer, or evaluate more subjects."
        )
    if wanted < fewest:
        raise ValueError(
            f"{evaluation}: expected {fewest} cases or more, found {wanted}: a case "
            "that is shown repeatedly needs another in between. Take more, or say "
            "--repeats=1."
        )
    random = np.random.default_rng([seed, 0])
    return [found[n] for n in sorted(random.permutation(len(found))[:wanted])]


def _arrange(num_cases: int, design: Design, seed: int) -> list[_Shown]:
    shown = []
    for number, reader in enumerate(design.readers, 1):
        random = np.random.default_rng([seed, number])
        order = placement.order(num_cases, design.repeats, random)
        places = placement.arrange(
            [case for case, _ in order], len(design.image_sets), random
        )
        for (case, repeat), sets in zip(order, places, strict=True):
            names = tuple(design.image_sets[n] for n in sets)
            ids = tuple(_new_id() for _ in names)
            shown.append(_Shown(_new_id(), reader, case, repeat, names, ids))
    return shown


def _new_id() -> str:
    return secrets.token_hex(16)


def _key(seed: int, drawn: Sequence[kept.Case], shown: Iterable[_Shown]) -> bytes:
    """The key file. Its salt keeps its hash from being found by trying all keys."""
    presentations = {
        s.id: {
            "reader": s.reader,
            "case": drawn[s.case].subject,
            "repeat": s.repeat,
            "image_sets": list(s.image_sets),
        }
        for s in shown
    }
    key = {
        "version": studies.VERSION,
        "seed": seed,
        "salt": secrets.token_hex(32),
        "presentations": dict(sorted(presentations.items())),
    }
    return json.dumps(key, indent=1).encode()


def _seal(folder: pathlib.Path, key: bytes) -> None:
    folder.mkdir(mode=0o700)
    path = folder / studies.KEY_FILE
    path.touch(mode=0o600)
    path.write_bytes(key)


def _write_images(
    folder: pathlib.Path,
    drawn: Sequence[kept.Case],
    shown: Sequence[_Shown],
    image_sets: tuple[str, ...],
) -> dict[str, studies.Presentation]:
    folder.mkdir()
    presentations = {}
    for number, case in enumerate(drawn):
        images = kept.load(case, image_sets)
        of_case = [s for s in shown if s.case == number]
        sets = {i: name for s in of_case for i, name in _pairs(s)}
        _write_alike(folder, {i: images.arrays[name] for i, name in sets.items()})
        for s in of_case:
            presentations[s.id] = studies.Presentation(
                id=s.id,
                reader=s.reader,
                images=s.images,
                shape=images.arrays[image_sets[0]].shape,
                spacing_mm=images.spacing_mm,
                orientation=images.orientation,
                window=images.window,
            )
    return presentations


def _pairs(shown: _Shown) -> Iterator[tuple[str, str]]:
    return zip(shown.images, shown.image_sets, strict=True)


def _write_alike(folder: pathlib.Path, arrays: dict[str, np.ndarray]) -> None:
    """Files in the order of their ids, of one time; the same array is written once."""
    written: dict[int, pathlib.Path] = {}
    for image, array in sorted(arrays.items()):
        path = folder / f"{image}.npy"
        if id(array) not in written:
            np.save(path, array)
            os.utime(path, (_TIME, _TIME))
            written[id(array)] = path
        else:
            _link(written[id(array)], path)


def _link(source: pathlib.Path, path: pathlib.Path) -> None:
    """A second name for a file; a copy where the file system has no such thing."""
    with contextlib.suppress(OSError):
        os.link(source, path)
        return
    shutil.copy2(source, path)


def _write_json(path: pathlib.Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), "utf-8")
