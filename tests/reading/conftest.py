"""Studies: small ones to prepare and read, and some that scripted readers have read."""

import hashlib
import itertools
import json

import numpy as np
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from deepresolve.reading import study as studies
from deepresolve.reading.study import preparation, questions
from deepresolve.reading.study.answers import Answers
from deepresolve.reading.study.questions import Question

IMAGE_SETS = ("ground_truth", "sr", "tci")
TWO_QUESTIONS = (Question("diq", "Quality"), Question("rank", "Rank", "rank"))
# The first axis to anterior, the second to the right, the third to inferior.
AFFINE = np.array(
    [[0, 0.8, 0, -4.0], [0.5, 0, 0, -9.0], [0, 0, -2.0, 7.0], [0, 0, 0, 1]]
)


def write_evaluation(folder, num_cases=3, shape=(10, 12, 8)):
    """What `evaluate.py --save_volumes` leaves; TCI is smooth along the first axis."""
    rows = []
    for number in range(num_cases):
        random = np.random.default_rng(number)
        truth = random.integers(0, 900, shape).astype(np.int16)
        smooth = ((truth + np.roll(truth, 1, 0) + np.roll(truth, -1, 0)) // 3).astype(
            np.int16
        )
        arrays = (truth, (truth + smooth) // 2, smooth)
        subject = f"knee {number}"
        (folder / "volumes" / subject).mkdir(parents=True)
        for name, array in zip(IMAGE_SETS, arrays, strict=True):
            path = folder / "volumes" / subject / f"{name}.nii"
            formats.write(path, Volume(array.astype(np.int16), AFFINE, slice_axis=1))
        rows.append(
            {
                "subject": subject,
                "person": subject,
                "image_sets": IMAGE_SETS,
                "window": [100, 600],
            }
        )
    described = {"version": 1, "downsample_factor": 3, "subjects": rows}
    (folder / "volumes" / "volumes.json").write_text(json.dumps(described))
    return folder


def design(**changes):
    settings = {
        "title": "Knees",
        "questions": questions.DEFAULT,
        "readers": ("anna", "ben"),
        "image_sets": IMAGE_SETS,
        "seed": 5,
    }
    return preparation.Design(**{**settings, **changes})


@pytest.fixture(scope="session")
def evaluation(tmp_path_factory):
    return write_evaluation(tmp_path_factory.mktemp("evaluation"))


@pytest.fixture
def new_evaluation(tmp_path):
    """Makes an evaluation that a test may spoil."""
    return lambda **settings: write_evaluation(tmp_path / "report", **settings)


@pytest.fixture(scope="session")
def new_design():
    return design


@pytest.fixture
def study(evaluation, tmp_path):
    """A study of three cases, two readers, each case shown twice."""
    return preparation.prepare(evaluation, tmp_path / "study", design())


def _presentations(readers, num_cases, repeats, image_sets, random):
    """Sealed presentations by id, image sets in random places."""
    every = itertools.product(readers, range(repeats), range(num_cases))
    return {
        f"{number:032x}": studies.Sealed(
            reader, f"knee-{case}", repeat, tuple(random.permutation(image_sets))
        )
        for number, (reader, repeat, case) in enumerate(every)
    }


def _write(folder, readers, questions, shown):
    sealed = folder / studies.SEALED_FOLDER
    sealed.mkdir(parents=True)
    key = {
        "version": studies.VERSION,
        "seed": 1,
        "presentations": {name: vars(one) for name, one in shown.items()},
    }
    (sealed / studies.KEY_FILE).write_text(json.dumps(key))
    digest = hashlib.sha256((sealed / studies.KEY_FILE).read_bytes()).hexdigest()
    study = studies.Study(
        folder=folder,
        title="Knees | of <1> & 2",
        questions=questions,
        readers=readers,
        order={
            reader: tuple(n for n, s in shown.items() if s.reader == reader)
            for reader in readers
        },
        all_presentations={
            name: studies.Presentation(
                name, one.reader, one.image_sets, (2, 2, 2), (1, 1, 1), "LIP", (0, 1)
            )
            for name, one in shown.items()
        },
        key_sha256=digest,
    )
    (folder / studies.STUDY_FILE).write_text(json.dumps(studies.describe(study)))
    Answers.create(folder / studies.ANSWERS_FILE, digest)


@pytest.fixture(scope="session")
def scripted_study(tmp_path_factory):
    """Makes a study and has it read; returns its folder.

    `answer(reader, case, repeat, image_set)` gives the values by question, as numbers;
    what it leaves out stays unanswered. `case` is a number. `of_case(reader, case)`
    gives those of the whole case. `locked(reader, case, repeat)` tells what is locked
    afterwards.
    """

    def make(
        answer,
        *,
        readers=("ann", "bob"),
        num_cases=6,
        repeats=1,
        image_sets=IMAGE_SETS,
        questions=TWO_QUESTIONS,
        of_case=lambda reader, case: {},
        locked=lambda *_: True,
    ):
        folder = tmp_path_factory.mktemp("study") / "study"
        random = np.random.default_rng(5)
        shown = _presentations(readers, num_cases, repeats, image_sets, random)
        _write(folder, readers, questions, shown)
        answers = Answers(folder / studies.ANSWERS_FILE)
        for name, one in shown.items():
            at = one.reader, int(one.case.removeprefix("knee-")), one.repeat
            given = [
                (place, question, str(value))
                for place, image_set in enumerate(one.image_sets)
                for question, value in answer(*at, image_set).items()
            ]
            given += [(-1, q, str(v)) for q, v in of_case(*at[:2]).items()]
            answers.record(one.reader, name, given)
            if locked(*at):
                answers.lock(one.reader, name)
        return folder

    return make
