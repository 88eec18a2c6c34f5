"""Readers that pass over what says something else."""

import pytest
from graded import graded_scan, subject, write_records  # noqa: F401 (fixtures)

from records import reader, schema


@pytest.fixture(scope="module")
def records(write_records):  # noqa: F811 (the fixture)
    """Eight knees of two series, and one that does not say which it is."""
    scans = [
        subject(f"{number}-{series}", "train", graded_scan(number, 0), series=series)
        for number in range(8)
        for series in ("sagittal", "coronal")
    ]
    return str(write_records([*scans, subject("x", "train", graded_scan(9, 0))]))


def names(found):
    return sorted(stored.subject for stored in found)


def test_subjects_are_those_of_the_series(records):
    sagittal = [f"{number}-sagittal" for number in range(8)]
    only = {"series": "sagittal"}
    assert names(reader.subjects(records, "train", only=only)) == sagittal
    assert len(names(reader.subjects(records, "train"))) == 17
    assert names(reader.subjects(records, "train", only={"series": "axial"})) == []


def test_what_is_passed_over_is_not_decoded(records, monkeypatch):
    decoded = []
    decode = schema.decode
    monkeypatch.setattr(schema, "decode", lambda r: decoded.append(r) or decode(r))
    names(reader.subjects(records, "train", only={"series": "sagittal"}))
    assert len(decoded) == 8


def test_a_sample_has_as_many_of_the_series_as_asked_for(records):
    only = {"series": "coronal"}
    for count in (1, 5, 8, 100):
        found = names(reader.sample(records, "train", count, only=only))
        assert len(set(found)) == len(found) == min(count, 8)
        assert all(name.endswith("coronal") for name in found)
    assert names(reader.sample(records, "train", 3, only={"series": "axial"})) == []
