"""Answers to one question of some scans."""

import numpy as np
import pytest

from deepresolve.evaluation.results import Compared

QUESTION = ("grades", "sagittal", "acl")


def compared(count=60, seed=0, people="knee"):
    """Scans without it and with it in turn, two of a person."""
    generator = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        true = float(number % 2)
        score = float(1 / (1 + np.exp(-(generator.normal() + 1.5 * true - 0.7))))
        where = (f"{people}-{number}", f"{people}-{number // 2}")
        source, image_set, name = QUESTION
        rows += [
            Compared(*where, source, image_set, "probabilities", name, true, score),
            Compared(
                *where, source, image_set, "classes", name, true, float(score > 0.5)
            ),
        ]
    return tuple(rows)


@pytest.fixture(scope="package")
def made():
    """Makes what an evaluation compared."""
    return compared
