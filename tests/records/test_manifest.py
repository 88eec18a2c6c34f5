"""The manifest tells everything without a look into the shards."""

import dataclasses
import hashlib
import json

import pytest

from records import conversion, manifest, verification


@pytest.fixture
def described(records_dir):
    return manifest.load(records_dir)


def test_it_tells_what_was_converted(described):
    assert described.counts == {"train": 4, "validation": 1, "test": 1}
    assert described.recipe == {
        "dataset": "fake",
        "settings": {
            "settings": "fake",
            "label_names": {"1": "cartilage", "2": "bone", "3": "meniscus"},
        },
        "split": [60, 20, 20],
        "num_shards": 2,
        "compression": "none",
        "seed": 0,
    }
    assert set(described.versions) == {"deepresolve", "tensorflow", "numpy", "python"}
    assert described.label_names == {1: "cartilage", 2: "bone", 3: "meniscus"}
    assert [shard.file for shard in described.all_shards] == [
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
        "validation-00000-of-00001.tfrecord",
        "test-00000-of-00001.tfrecord",
    ]


def test_it_tells_what_each_subject_brings(make_rich, make_recipe, tmp_path):
    plain = make_rich("b", arrays={}, scalars={"grade": 4}, labelled=False)
    recipe = make_recipe([make_rich("a"), plain], split=(100, 0, 0), num_shards=1)
    conversion.convert(recipe, str(tmp_path))
    rich, bare = sorted(
        manifest.load(str(tmp_path)).subjects("train"), key=lambda e: e.subject
    )
    # PIR is stored as rows down, columns back, slices left: the first two swap.
    assert rich.arrays == {
        "image": manifest.ArrayEntry("int16", (6, 7, 5), "own"),
        "label": manifest.ArrayEntry("uint8", (6, 7, 5), "image"),
        "echo_2": manifest.ArrayEntry("uint16", (6, 7, 3), "own"),
        "k_space": manifest.ArrayEntry("float32", (2, 4, 3, 5), "none"),
        "thickness_mm": manifest.ArrayEntry("float32", (6, 7, 5), "image"),
    }
    assert rich.scalars == {"age_years": 61.3, "grade": -3, "scanner": "Skyra é"}
    assert [type(value) for value in rich.scalars.values()] == [float, int, str]
    assert bare.arrays.keys() == {"image"}
    assert bare.scalars == {"grade": 4}
    assert verification.verify(str(tmp_path)) == []


def test_it_tells_how_many_have_label_maps(make_subject, make_recipe, tmp_path):
    subjects = [make_subject(name, labelled=name not in "af") for name in "abcdef"]
    recipe = make_recipe(subjects, split=(50, 50, 0))
    made = conversion.convert(recipe, str(tmp_path))
    splits = {
        split: {e.subject for e in made.subjects(split)}
        for split in ("train", "validation", "test")
    }
    for split, members in splits.items():
        assert made.num_labelled(split) == len(members - {"a", "f"})
    assert made.num_labelled("train") + made.num_labelled("validation") == 4
    with pytest.raises(ValueError, match="Unknown split 'val'"):
        made.num_labelled("val")


def test_it_tells_of_every_subject(described, make_subject):
    (entry,) = described.subjects("test")
    # PIR (i back, j down, k right) is stored as rows down, columns back, slices left.
    i_mm, j_mm, k_mm = make_subject().image.spacing_mm
    assert entry == manifest.Entry(
        subject=entry.subject,
        person=entry.subject,
        side="right",
        spacing_mm=(j_mm, i_mm, k_mm),
        plane="sagittal",
        space="scanner",
        arrays={
            "image": manifest.ArrayEntry("int16", (6, 7, 5), "own"),
            "label": manifest.ArrayEntry("uint8", (6, 7, 5), "image"),
        },
        scalars={},
        source=f"{entry.subject}.fake",
        source_sha256=make_subject(entry.subject).hashes()[0],
        label_sha256=make_subject(entry.subject).hashes()[1],
        voxels_sha256=entry.voxels_sha256,
    )
    assert (entry.shape, entry.dtype, entry.labelled) == ((6, 7, 5), "int16", True)
    assert len(entry.voxels_sha256) == 64
    every = {
        e.subject
        for s in ("train", "validation", "test")
        for e in described.subjects(s)
    }
    assert every == set("abcdef")


def test_shards_are_described_as_they_are_on_disk(described, records_dir):
    for shard in described.all_shards:
        content = (records_dir / shard.file).read_bytes()
        assert shard.num_bytes == len(content)
        assert shard.sha256 == hashlib.sha256(content).hexdigest()
        assert shard.num_subjects == len(shard.subjects)


def test_its_hash_is_that_of_the_file(described, records_dir):
    content = (records_dir / manifest.FILE).read_bytes()
    assert described.sha256 == hashlib.sha256(content).hexdigest()


def test_a_shard_survives_json(described):
    for shard in described.all_shards:
        fields = json.loads(json.dumps(dataclasses.asdict(shard)))
        assert manifest.shard_from_json(fields) == shard


def test_compression_is_tensorflows_name(described):
    assert described.compression == ""
    gzip = dataclasses.replace(described, recipe={"compression": "gzip"})
    assert gzip.compression == "GZIP"


def test_an_unknown_split_is_refused(described):
    with pytest.raises(ValueError, match="'val'; expected one of train, validation"):
        described.shards("val")


def test_a_folder_without_manifest_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="python -m records convert"):
        manifest.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="python -m records convert"):
        manifest.load(tmp_path / "nowhere")


def test_another_schema_version_is_refused(records_dir):
    path = records_dir / manifest.FILE
    path.write_text(path.read_text().replace('version": 2', 'version": 3', 1))
    with pytest.raises(ValueError, match=r"version 3; .* reads 2. Convert the scans"):
        manifest.load(records_dir)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '"text"', "\x00"])
def test_a_file_that_is_no_manifest_is_refused(tmp_path, content):
    (tmp_path / manifest.FILE).write_text(content)
    with pytest.raises(ValueError, match=r"manifest.json is not a manifest"):
        manifest.load(tmp_path)


@pytest.mark.parametrize("key", ["recipe", "versions", "label_names", "shards"])
def test_a_manifest_with_a_part_missing_is_refused(records_dir, key):
    path = records_dir / manifest.FILE
    fields = json.loads(path.read_text())
    del fields[key]
    path.write_text(json.dumps(fields))
    with pytest.raises(ValueError, match=rf"manifest.json is damaged: .*{key}"):
        manifest.load(records_dir)


def test_a_subject_with_a_part_missing_is_refused(records_dir):
    path = records_dir / manifest.FILE
    fields = json.loads(path.read_text())
    del fields["shards"][0]["subjects"][0]["person"]
    path.write_text(json.dumps(fields))
    with pytest.raises(ValueError, match=r"manifest.json is damaged: .*person"):
        manifest.load(records_dir)
