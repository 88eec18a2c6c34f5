"""What `verify` must find."""

import json

import numpy as np
import pytest

from records import conversion, manifest, reader, verification

SHARD = "train-00001-of-00002.tfrecord"


def test_a_good_set_has_no_problems(records_dir):
    assert verification.verify(records_dir) == []


def test_every_flipped_byte_is_found(records_dir):
    path = records_dir / SHARD
    content = path.read_bytes()
    for position in (0, 9, len(content) // 2, len(content) - 1):
        flipped = bytearray(content)
        flipped[position] ^= 1
        path.write_bytes(flipped)
        (problem,) = verification.verify(records_dir)
        assert problem == f"{SHARD} was changed: its SHA-256 is not the manifest's."


def test_a_cut_shard_is_found(records_dir):
    path = records_dir / SHARD
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-5])
    assert verification.verify(records_dir) == [
        f"{SHARD} has {size - 5} bytes; the manifest says {size}."
    ]


def test_a_missing_shard_is_found(records_dir):
    (records_dir / SHARD).unlink()
    assert verification.verify(records_dir) == [f"{SHARD} is missing."]


def test_a_shard_that_is_not_in_the_manifest_is_found(records_dir):
    extra = records_dir / "train-00002-of-00002.tfrecord"
    extra.write_bytes((records_dir / SHARD).read_bytes())
    assert verification.verify(records_dir) == [
        "train-00002-of-00002.tfrecord is not in the manifest."
    ]


def test_all_problems_are_found_at_once(records_dir):
    for path in records_dir.glob("*.tfrecord"):
        path.unlink()
    assert len(verification.verify(records_dir)) == 4


@pytest.fixture
def edit_manifest(records_dir):
    def edit(change):
        path = records_dir / manifest.FILE
        fields = json.loads(path.read_text())
        change(fields)
        path.write_text(json.dumps(fields))

    return edit


def test_a_manifest_that_tells_of_other_subjects_is_found(records_dir, edit_manifest):
    def change(fields):
        fields["shards"][1]["subjects"][0]["side"] = "left"

    edit_manifest(change)
    assert verification.verify(records_dir) == [
        f"{SHARD} does not hold the subjects that the manifest lists."
    ]


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("arrays", "echo_2", {"dtype": "uint16", "shape": [6, 7, 4], "grid": "own"}),
        ("arrays", "echo_2", {"dtype": "uint16", "shape": [6, 7, 3], "grid": "none"}),
        ("arrays", "echo_3", {"dtype": "uint16", "shape": [6, 7, 3], "grid": "own"}),
        ("scalars", "grade", 3),
        ("scalars", "weight", 3),
    ],
)
def test_a_manifest_that_tells_of_other_arrays_or_scalars_is_found(
    make_rich, make_recipe, tmp_path, kind, name, told
):
    recipe = make_recipe([make_rich()], split=(100, 0, 0))
    conversion.convert(recipe, str(tmp_path))
    assert verification.verify(tmp_path) == []
    path = tmp_path / manifest.FILE
    fields = json.loads(path.read_text())
    fields["shards"][0]["subjects"][0][kind][name] = told
    path.write_text(json.dumps(fields))
    (problem,) = verification.verify(tmp_path)
    assert problem.endswith("not hold the subjects that the manifest lists.")


def test_labels_without_a_name_are_found(records_dir, edit_manifest):
    edit_manifest(lambda fields: fields["label_names"].pop("2"))
    problems = verification.verify(records_dir)
    assert len(problems) == 6
    (stored,) = reader.subjects(records_dir, "test")
    twos = np.count_nonzero(stored.label.array == 2)
    (found,) = [problem for problem in problems if problem.startswith("test")]
    assert found == (
        f"test-00000-of-00001.tfrecord, subject {stored.subject!r}: The label map "
        f"holds values without a name: 2 ({twos} voxels); named are: 1=cartilage,"
        "3=meniscus. Name them too, or set these voxels to 0."
    )


def test_a_person_in_two_splits_is_found(records_dir, edit_manifest):
    def change(fields):
        person = fields["shards"][0]["subjects"][0]["person"]
        fields["shards"][3]["subjects"][0]["person"] = person

    edit_manifest(change)
    problems = verification.verify(records_dir)
    assert any("is in test and train" in problem for problem in problems)


def test_a_folder_without_manifest_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="not a complete set"):
        verification.verify(tmp_path)
