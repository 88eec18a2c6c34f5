"""Which scans are of one person, by what they say of themselves."""

import contextlib
import itertools
import logging.handlers
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from records import splits
from records.datasets.folder import kin, persons

KINDS = ("PatientID", "StudyInstanceUID", "FrameOfReferenceUID")


@pytest.mark.parametrize(
    "text",
    [
        *("ANON", "Anonymous", "anonymized", "UNKNOWN", "0000", "XXXX", "-", "N/A"),
        *("Patient", "none", "De-identified", "removed", "no name", "ANON_0", "^^"),
    ],
)
def test_what_anonymisers_write_for_everybody_is_nobody(text):
    assert kin.is_nobody("PatientID", text)
    assert not kin.is_nobody("StudyInstanceUID", text)


@pytest.mark.parametrize("text", ["ANON001", "P7", "9001104", "SMITHJ", "x1", "0010"])
def test_a_pseudonym_is_somebody(text):
    assert not kin.is_nobody("PatientID", text)


@pytest.mark.parametrize("first", ["subject0", "X00", "Anon_000", "0000"])
@pytest.mark.parametrize("is_counted", [False, True])
def test_the_first_of_those_who_are_counted_from_0_is_somebody(first, is_counted):
    last = first[:-1] + "7" * is_counted
    identities = [{("PatientID", text)} for text in (first, first, last)]
    counted = kin.counted(identities)
    traits = [kin.traits_of(str(n), i, counted) for n, i in enumerate(identities)]
    assert bool(traits[0] & traits[1]) == is_counted


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("knee_e1", "knee_e2"),  # dcm2niix
        ("knee", "knee_e2"),
        ("knee_e1", "knee_e1_ph"),
        ("knee_real", "knee_imaginary"),
        ("Knee_E1", "knee_e2"),
        ("sub-01_ses-1_T2w", "sub-01_ses-2_T2w"),  # BIDS
        ("siteA_sub-01_anat_sub-01_T1w", "siteB_sub-01_pd"),
        ("x_echo-1", "x_echo-2"),
    ],
)
def test_names_of_one_person(one, other):
    assert kin.traits_of(one, ()) & kin.traits_of(other, ())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "b"),
        ("knee_1", "knee_2"),
        ("sub-01_T1w", "sub-011_T1w"),
        ("mysub-01_x", "sub-01_y"),
    ],
)
def test_names_of_two_persons(one, other):
    assert not kin.traits_of(one, ()) & kin.traits_of(other, ())


def test_traits_connect_in_chains():
    traits = {
        "a": {("PatientID", "1")},
        "b": {("PatientID", "1"), ("StudyInstanceUID", "7")},
        "c": {("StudyInstanceUID", "7")},
        "d": {("StudyInstanceUID", "1")},  # Another kind's 1.
        "e": set(),
    }
    assert kin.families(traits) == [["a", "b", "c"], ["d"], ["e"]]
    assert kin.families({}) == []
    assert kin.kinds_shared(["a", "b", "c"], traits) == [
        "PatientID",
        "StudyInstanceUID",
    ]


def test_pairs_of_two_persons_are_named_by_what_they_share():
    traits = {name: {("PatientID", "1")} for name in "abc"}
    assert kin.shared(traits, {"a": "1", "b": "1", "c": "1"}) == {}
    found = kin.shared(traits, {"a": "1", "b": "1", "c": "2"})
    assert found == {("a", "c"): ["PatientID"]}


@contextlib.contextmanager
def messages_of(name):
    """What a logger says: caplog does not begin anew for each example."""
    handler = logging.handlers.BufferingHandler(1000)
    logging.getLogger(name).addHandler(handler)
    texts = []
    yield texts
    texts += [record.getMessage() for record in handler.buffer]
    logging.getLogger(name).removeHandler(handler)


identities = st.frozensets(
    st.tuples(st.sampled_from(KINDS), st.sampled_from(["1", "2", "3", "ANON"])),
    max_size=3,
)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(
    scans=st.lists(identities, min_size=3, max_size=9),
    told=st.none() | st.lists(st.sampled_from("pqrs"), min_size=9, max_size=9),
    seed=st.integers(0, 3),
)
def test_no_split_parts_kin_without_a_word(scans, told, seed):
    names = [f"scan {letter}" for letter in "abcdefghi"[: len(scans)]]
    traits = {n: kin.traits_of(n, s) for n, s in zip(names, scans, strict=True)}
    table = told and {n: persons.Person(p) for n, p in zip(names, told, strict=False)}
    with messages_of("records.datasets.folder.persons") as messages:
        who = persons.identify(traits, table=table)
    subjects = [
        types.SimpleNamespace(id=n, person=who[n].name, split=None) for n in names
    ]
    try:
        assigned = splits.assign(subjects, (50, 25, 25), seed)
    except ValueError as error:  # Too few persons, which is a word, too.
        assert "persons cannot fill the splits" in str(error)
        return
    split_of = {s.id: split for split, found in assigned.items() for s in found}
    for (a, of_a), (b, of_b) in itertools.combinations(
        zip(names, scans, strict=True), 2
    ):
        if of_a & of_b - {("PatientID", "ANON")} and split_of[a] != split_of[b]:
            assert table
            assert any("look like one's" in message for message in messages)
