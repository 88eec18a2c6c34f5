"""Shards in, for training and for evaluation."""

import shutil

import numpy as np
import pytest
import tensorflow as tf

from records import conversion, manifest, reader


def names(dataset):
    return [e["subject"].decode() for e in dataset.as_numpy_iterator()]


def test_the_dataset_has_each_subject_once_and_knows_how_many(records_dir):
    dataset = reader.dataset(records_dir, "train")
    assert dataset.cardinality() == 4
    listed = [e.subject for e in manifest.load(records_dir).subjects("train")]
    assert names(dataset) == listed


def test_shards_are_shuffled_by_the_seed_alone(make_subject, make_recipe, tmp_path):
    subjects = [make_subject(f"{n:02d}") for n in range(12)]
    recipe = make_recipe(subjects, split=(100, 0, 0), num_shards=12)
    conversion.convert(recipe, str(tmp_path))

    def order(seed):
        return names(reader.dataset(str(tmp_path), "train", shuffle_seed=seed))

    first, second = order((3, 0)), order((3, 1))
    assert (
        sorted(first)
        == sorted(second)
        == sorted(names(reader.dataset(str(tmp_path), "train")))
    )
    assert first != second
    assert order((3, 0)) == first


def test_parts_of_one_seed_have_each_shard_once(make_subject, make_recipe, tmp_path):
    subjects = [make_subject(f"{n:02d}") for n in range(7)]
    recipe = make_recipe(subjects, split=(100, 0, 0), num_shards=5)
    conversion.convert(recipe, str(tmp_path))

    def part(number, seed):
        options = {"shuffle_seed": seed, "part": (number, 2)}
        dataset = reader.dataset(str(tmp_path), "train", **options)
        found = names(dataset)
        assert dataset.cardinality() == len(found)
        return found

    one, other = part(0, (3, 0)), part(1, (3, 0))
    assert one
    assert other
    assert sorted(one + other) == sorted(subject.id for subject in subjects)
    dealt = {frozenset(part(0, (3, seed))) for seed in range(5)}
    assert len(dealt) > 1  # anew for each seed


def test_fewer_shards_than_parts_are_refused_with_the_cure(records_dir):
    with pytest.raises(ValueError, match=r"has 2 shards for 3 workers.*--num_shards=3"):
        reader.dataset(records_dir, "train", part=(0, 3))


def test_elements_and_subjects_are_the_same_volumes(records_dir):
    pairs = zip(
        reader.dataset(records_dir, "train").as_numpy_iterator(),
        reader.subjects(records_dir, "train"),
        strict=True,
    )
    for element, stored in pairs:
        np.testing.assert_array_equal(element["image"], stored.image.array)
        np.testing.assert_array_equal(element["label"], stored.label.array)
        np.testing.assert_array_equal(element["affine"], stored.image.affine)
        scale = (stored.scale.low, stored.scale.high)
        np.testing.assert_array_equal(element["intensity"], np.float32(scale))


def test_a_task_gets_what_it_needs(make_rich, make_recipe, tmp_path):
    recipe = make_recipe([make_rich(name) for name in "abc"])
    conversion.convert(recipe, str(tmp_path))
    (stored,) = reader.subjects(str(tmp_path), "test")
    assert stored.scalars["age_years"] == 61.3
    needs = ("echo_2", "k_space", "age_years", "grade", "scanner", "side")
    dataset = reader.dataset(str(tmp_path), "test", needs=needs)
    (element,) = dataset.as_numpy_iterator()
    assert element.keys() == {*needs, "intensity", "affine", "subject"}
    np.testing.assert_array_equal(element["echo_2"], stored.arrays["echo_2"].array)
    np.testing.assert_array_equal(element["k_space"], stored.arrays["k_space"])
    found = [element[name] for name in needs[2:]]
    assert found == [61.3, -3, "Skyra é".encode(), b"right"]
    assert reader.dataset(str(tmp_path), "test").element_spec.keys() == {
        *("image", "label", "intensity", "affine", "subject")
    }


@pytest.mark.parametrize(
    ("needs", "message"),
    [
        (["echo_9"], r"have no 'echo_9', but age_years, .*; and each has subject, per"),
        (["grade"], r"1 of 2 subjects of .* have no 'grade', the first 'b'"),
        (["thickness_mm"], r"1 of 2 subjects of .* have no 'thickness_mm', the first"),
        (["k_space"], r"'k_space' has 2 axes in some subjects of .* and 4 in others"),
    ],
)
def test_what_a_subject_lacks_is_told_before_anything_is_read(
    make_rich, make_recipe, tmp_path, needs, message
):
    other = make_rich("b", arrays={"k_space": np.ones((2, 2))}, scalars={})
    recipe = make_recipe([make_rich("a"), other], split=(100, 0, 0))
    conversion.convert(recipe, str(tmp_path))
    with pytest.raises(ValueError, match=message):
        reader.dataset(str(tmp_path), "train", needs=needs)


def test_all_subjects_come_with_their_split(records_dir):
    described = manifest.load(records_dir)
    found = [(s, x.subject) for s, x in reader.all_subjects(records_dir, described)]
    assert found == [
        (split, entry.subject)
        for split in ("train", "validation", "test")
        for entry in described.subjects(split)
    ]


def test_a_sample_takes_some_of_each_shard(make_subject, make_recipe, tmp_path):
    subjects = [make_subject(name) for name in "abcdefgh"]
    recipe = make_recipe(subjects, split=(100, 0, 0), num_shards=3)
    conversion.convert(recipe, str(tmp_path))
    described = manifest.load(str(tmp_path))
    shards = [{s.subject for s in x.subjects} for x in described.shards("train")]
    for count, of_each in [
        (2, {0, 1}),
        (3, {1}),
        (5, {1, 2}),
        (8, {2, 3}),
        (99, {2, 3}),
    ]:
        found = [s.subject for s in reader.sample(str(tmp_path), "train", count)]
        assert len(set(found)) == len(found) == min(count, 8)
        assert {len(shard & set(found)) for shard in shards} == of_each


@pytest.mark.parametrize("read", [reader.dataset, reader.subjects])
def test_an_empty_split_is_refused(make_subject, make_recipe, tmp_path, read):
    recipe = make_recipe([make_subject(n) for n in "abc"], split=(100, 0, 0))
    conversion.convert(recipe, str(tmp_path))
    with pytest.raises(ValueError, match=r"'test' of .*train 3, validation 0, test 0"):
        list(read(str(tmp_path), "test"))


@pytest.mark.parametrize("compression", ["none", "gzip"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_shard_is_named(
    make_subject, make_recipe, tmp_path, compression, damage
):
    recipe = make_recipe([make_subject(n) for n in "abc"], compression=compression)
    conversion.convert(recipe, str(tmp_path))
    path = tmp_path / "test-00000-of-00001.tfrecord"
    content = bytearray(path.read_bytes())
    path.unlink()
    if damage == "flip":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"test-00000-of-00001.* cannot be read"):
        list(reader.subjects(str(tmp_path), "test"))


def test_a_shard_cut_between_records_is_named(records_dir):
    path = records_dir / "train-00000-of-00002.tfrecord"
    content = path.read_bytes()
    # TFRecord: length (8 bytes, little-endian), its CRC (4), the data, its CRC (4).
    end_of_first = 8 + 4 + int.from_bytes(content[:8], "little") + 4
    path.write_bytes(content[:end_of_first])
    with pytest.raises(ValueError, match="has 1 subjects; the manifest says 2"):
        list(reader.subjects(records_dir, "train"))


def test_voxels_are_read_only(records_dir):
    (stored,) = reader.subjects(records_dir, "test")
    with pytest.raises(ValueError, match="read-only"):
        stored.image.array[0, 0, 0] = 1


@pytest.mark.parametrize("name", ["x=[1,2]", "a*?", "{é中} %20\\"])
def test_shards_are_read_whatever_their_folder_is_called(records_dir, tmp_path, name):
    """None is taken for a pattern, nor read for another one that it fits."""
    folder = shutil.copytree(records_dir, tmp_path / "shards" / name)
    for other in ("x=1", "ab1"):
        (tmp_path / "shards" / other).mkdir()
    expected = [e.subject for e in manifest.load(folder).subjects("train")]
    assert names(reader.dataset(str(folder), "train")) == expected
    assert [s.subject for s in reader.subjects(str(folder), "train")] == expected
    (folder / "train-00001-of-00002.tfrecord").unlink()
    with pytest.raises(ValueError, match=r"train-00001-of-00002\.tfrecord cannot"):
        list(reader.subjects(str(folder), "train"))
    with pytest.raises(tf.errors.NotFoundError, match="train-00001-of-00002"):
        names(reader.dataset(str(folder), "train"))
