"""Small scans as subjects, and the results of evaluations of them."""

import dataclasses

import numpy as np
import pytest
from held_out import (  # noqa: F401 (fixtures)
    label_map,
    make_subject,
    segment,
    smooth_subject,
    tci,
)
from trained import seg_workdir, silent_workdir  # noqa: F401 (fixtures)

from deepresolve.evaluation.results import Measurement
from deepresolve.evaluation.supplement import Scale, Supplement
from deepresolve.evaluation.table_1.analysis import analyse
from deepresolve.evaluation.table_1.experiment import evaluate
from deepresolve.evaluation.table_1.plan import Network, Plan
from deepresolve.imaging.degradation import thicken
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.reports.document import Heading, Paragraph
from deepresolve.tasks.segmentation.classes import Classes

LABEL_NAMES = {1: "femur", 4: "bright tissue", 7: "dark tissue"}
CLASSES = ("bright tissue", "dark tissue")
NUM_MEASURED = 19  # of 20 slices 0, 3, .., 18 are acquired at factor 3


def _halve_the_error(subjects):
    """SR half as wrong as TCI: the mean of TCI and truth, one subject after another."""
    truths = iter(subjects)

    def restore(thick, factor):
        image = next(truths).image
        truth = estimate_scale(thicken(image, 3).array).apply(image.array)
        return (tci(thick, factor) + truth[..., :NUM_MEASURED]) / 2

    return restore


def _sr_plan(restore=tci, factor=3, **changes):
    return Plan({"sr": Network("SR-CNN", restore)}, factor, **changes)


@pytest.fixture(scope="session")
def classes():
    return Classes.of(CLASSES, LABEL_NAMES)


@pytest.fixture(scope="session")
def sr_plan():
    """Makes the plan of a super-resolution alone; by default it adds nothing."""
    return _sr_plan


@pytest.fixture(scope="session")
def subjects():
    return [smooth_subject(seed) for seed in range(3)]


@pytest.fixture(scope="session")
def results(subjects):
    """SR that equals TCI."""
    return evaluate(subjects, _sr_plan())


@pytest.fixture(scope="session")
def better_results(subjects):
    """SR half as wrong as TCI."""
    return evaluate(subjects, _sr_plan(_halve_the_error(subjects)))


@pytest.fixture(scope="session")
def full_results(classes):
    """Eight subjects, all three networks: SR half as wrong as TCI, and a benchmark
    that is one voxel off.
    """
    subjects = [smooth_subject(seed) for seed in range(8)]
    networks = {
        "sr": Network("SR-CNN", _halve_the_error(subjects)),
        "seg": Network("3D Seg-CNN", label_map),
        "benchmark": Network("2D SegNet", lambda x: np.roll(label_map(x), 1, axis=0)),
    }
    return evaluate(subjects, Plan(networks, 3, classes))


@pytest.fixture(scope="session")
def full_analysis(full_results):
    return analyse(full_results)


@pytest.fixture(scope="session")
def scores():
    """Makes scores of image sets: SR two above TCI in every case; the ground truth is
    SR but for one case.
    """

    def made(highest=5, num_cases=8, names=("diq", "rank")):
        base = 1 + np.arange(num_cases) % 2
        truth = base + 2 + (np.arange(num_cases) == 0)
        ranks = {"ground_truth": [3, 2], "sr": [2, 3], "tci": [1, 1]}
        given = {
            "diq": {"ground_truth": truth, "sr": base + 2, "tci": base},
            "rank": {s: np.resize(two, num_cases) for s, two in ranks.items()},
        }
        scales = {
            "diq": Scale("diq", "Diagnostic image quality", 1, highest),
            "rank": Scale("rank", "Rank", 1, 3, is_rank=True),
        }
        measurements = tuple(
            Measurement(f"knee-{n}", "", "readers", image_set, name, None, float(value))
            for name in names
            for image_set, values in given[name].items()
            for n, value in enumerate(values)
        )
        tests = [
            {"metric": "diq", "class": None, "a": "sr", "b": "tci", "p_holm": 0.02}
        ]
        facts = {"readers": "ann, bob"}
        section = (Heading("Readers"), Paragraph("Read blinded."))
        return Supplement(scales, measurements, tests, facts, section)

    return made


@pytest.fixture(scope="session")
def with_values():
    """Replaces numbers of results: `values[network, image_set, metric]` by subject."""

    def replaced(results, values):
        left = {key: list(given) for key, given in values.items()}

        def value_of(m):
            own = left.get((m.source, m.image_set, m.metric))
            return m.value if own is None else own.pop(0)

        return dataclasses.replace(
            results,
            measurements=tuple(
                dataclasses.replace(m, value=value_of(m)) for m in results.measurements
            ),
        )

    return replaced
