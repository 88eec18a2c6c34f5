"""Reports of three planes of the same exams, as an evaluation writes them."""

import json

import numpy as np
import pytest
from scipy import special

from deepresolve.evaluation import subjects_csv
from deepresolve.evaluation.results import Compared

# How far apart what each plane sees of those that have it and have not.
APART = {"sagittal": 1.0, "coronal": 1.5, "axial": 0.5}


def rows_of(
    series, first=0, count=80, *, questions=("acl",), without=(), sure=1.0, name=None
):
    """What a network says of a series of exams, half of which have it."""
    rows = []
    for number in range(first, first + count):
        exam = f"{number:04d}"
        if exam in without:
            continue
        for at, question in enumerate(questions):
            true = (number >> at) % 2
            # Each exam, question and series has a score of its own, in any report.
            seed = [number, at, sum(map(ord, series))]
            score = np.random.default_rng(seed).normal() + APART[series] * true
            logit = sure * APART[series] * (score - APART[series] / 2)
            subject = (name or "{exam}_{series}").format(exam=exam, series=series)
            answer = float(special.expit(logit))
            where = subject, exam, "grades", series
            rows += [
                Compared(*where, "probabilities", question, float(true), answer),
                Compared(*where, "classes", question, float(true), float(answer > 0.5)),
            ]
    return rows


@pytest.fixture(scope="session")
def rows():
    """Makes what an evaluation compared."""
    return rows_of


@pytest.fixture
def report(tmp_path):
    """Writes a report; returns its folder as a flag has it."""

    def write(name, compared, network=None, split="validation"):
        folder = tmp_path / name
        folder.mkdir()
        table = subjects_csv.compared_to_csv(compared)
        (folder / "compared.csv").write_text(table, encoding="utf-8")
        network = network or compared[0].image_set[0] * 64
        told = {"provenance": {"network_sha256": network, "split": split}}
        (folder / "report.json").write_text(json.dumps(told), encoding="utf-8")
        return str(folder)

    return write


@pytest.fixture
def planes(report):
    """Writes the reports of all three planes."""

    def write(name, **changes):
        return [report(f"{name}_{of}", rows_of(of, **changes)) for of in APART]

    return write
