"""Which subjects share a shard, and one shard written."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from records import conversion, manifest, shards


@pytest.fixture
def make_sized(make_subject):
    """Subjects that say they have so many MiB."""

    def make(count, mebibytes):
        @dataclasses.dataclass(frozen=True)
        class Sized(type(make_subject())):
            num_bytes = mebibytes * 2**20

        return [Sized(f"{n:03d}", f"{n:03d}") for n in range(count)]

    return make


@pytest.mark.parametrize(
    ("count", "mebibytes", "expected"),
    [
        (124, 70, 34),  # 8680 MiB / 256
        (35, 70, 10),
        (17, 70, 8),  # 1190 MiB would fill 5
        (3, 70, 3),  # no empty shard
        (3, 900, 3),
        (0, 0, 0),
    ],
)
def test_automatic_number_of_shards(make_sized, count, mebibytes, expected):
    assert shards.automatic_num_shards(make_sized(count, mebibytes)) == expected


def test_every_subject_is_in_one_shard_of_its_split(make_sized):
    subjects = make_sized(10, 1)
    groups = {"train": subjects[:7], "validation": [], "test": subjects[7:]}
    plans = shards.plan(groups, num_shards=4, seed=0, recipe={})
    assert [(plan.file, len(plan.subjects)) for plan in plans] == [
        ("train-00000-of-00004.tfrecord", 2),
        ("train-00001-of-00004.tfrecord", 2),
        ("train-00002-of-00004.tfrecord", 2),
        ("train-00003-of-00004.tfrecord", 1),
        ("test-00000-of-00003.tfrecord", 1),
        ("test-00001-of-00003.tfrecord", 1),
        ("test-00002-of-00003.tfrecord", 1),
    ]
    for split, members in groups.items():
        planned = [s for p in plans if p.split == split for s in p.subjects]
        assert sorted(s.id for s in planned) == [s.id for s in members]


def test_the_fingerprint_changes_with_recipe_and_subjects(make_sized):
    subjects = make_sized(3, 1)

    def fingerprint(members, recipe):
        (plan,) = shards.plan({"train": members}, 1, seed=0, recipe=recipe)
        return plan.fingerprint

    base = fingerprint(subjects, {"seed": 1})
    assert fingerprint(subjects, {"seed": 1}) == base
    assert fingerprint(subjects, {"seed": 2}) != base
    assert fingerprint(subjects[:2], {"seed": 1}) != base
    left = [dataclasses.replace(subjects[0], side="left"), *subjects[1:]]
    assert fingerprint(left, {"seed": 1}) != base


@pytest.fixture
def write(make_subject, label_names, tmp_path):
    def write(compression="none", check_cancelled=lambda: None):
        subjects = [make_subject(name) for name in "abc"]
        (plan,) = shards.plan({"train": subjects}, 1, seed=0, recipe={})
        work = shards.ShardWriter(str(tmp_path), compression, label_names)
        return work(plan, check_cancelled)

    return write


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_shard_is_what_its_entry_says(write, tmp_path, compression):
    shard = write(compression).shard
    path = tmp_path / shard.file
    # The gzip magic number (RFC 1952).
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == (compression == "gzip")
    kind = {"none": "", "gzip": "GZIP"}[compression]
    records = list(tf.data.TFRecordDataset(str(path), kind).as_numpy_iterator())
    names = [
        tf.train.Example.FromString(r).features.feature["subject"].bytes_list.value[0]
        for r in records
    ]
    assert [name.decode() for name in names] == [e.subject for e in shard.subjects]
    assert shard.num_subjects == 3
    assert shards.is_intact(shard, str(tmp_path))


def test_an_outcome_travels_as_json(write):
    written = write()
    problem = manifest.Problem("a", "train", "a.nii", "12", "", "damaged")
    for outcome in (written, shards.Outcome("a", None, (problem, problem))):
        fields = json.loads(json.dumps(dataclasses.asdict(outcome)))
        assert shards.outcome_from_json(fields) == outcome
    assert written.shard.num_subjects == 3


def test_a_note_of_another_version_is_no_outcome(write, monkeypatch):
    outcome = write()
    assert shards.read_progress_note(shards.progress_note(outcome)) == outcome
    # Schema 1 noted none.
    fields = json.dumps(dataclasses.asdict(outcome)).encode()
    assert shards.read_progress_note(fields) is None
    monkeypatch.setattr(shards.schema, "SCHEMA_VERSION", 3)
    newer = shards.progress_note(outcome)
    monkeypatch.undo()
    assert shards.read_progress_note(newer) is None


@pytest.mark.parametrize(
    ("brought", "message"),
    [
        ({"arrays": {"echo_3": np.zeros(1)}}, "has the array 'echo_3', which"),
        ({"scalars": {"height": 1.7}}, "scalar height 1.7, which its dataset does not"),
        ({"scalars": {"grade": 2.0}}, r"grade 2\.0, .* does not declare as float"),
    ],
)
def test_what_a_dataset_does_not_declare_is_refused(
    make_subject, make_recipe, tmp_path, brought, message
):
    recipe = make_recipe([make_subject("a", **brought)], split=(100, 0, 0))
    with pytest.raises(ValueError, match=message):
        conversion.convert(recipe, str(tmp_path))


def test_damage_is_seen(write, tmp_path):
    shard = write().shard
    path = tmp_path / shard.file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert not shards.is_intact(shard, str(tmp_path))
    path.write_bytes(content[:-1])
    assert not shards.is_intact(shard, str(tmp_path))
    path.unlink()
    assert not shards.is_intact(shard, str(tmp_path))


def test_cancelled_work_leaves_nothing(write, tmp_path):
    calls = []

    def check_cancelled():
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(check_cancelled=check_cancelled)
    assert list(tmp_path.iterdir()) == []
