"""Small evaluations and studies; no network, no phantom, no time."""

import json

import numpy as np
import pytest

from deepresolve.imaging import formats
from deepresolve.imaging.volume import Volume
from deepresolve.reading import preparation, questions

IMAGE_SETS = ("ground_truth", "sr", "tci")
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
