"""What an interrupted conversion leaves, and what the next one makes of it."""

import dataclasses
import hashlib
import json

import pytest

from records import conversion, manifest, shards, verification


@pytest.fixture
def interrupted(make_subject, make_recipe, tmp_path):
    """A set of six shards left unfinished by Ctrl-C or an error in the fourth scan.

    Gives the recipe that goes on, and the list of the scans that it loads.
    """

    def interrupt(error=KeyboardInterrupt, settings="fake", **options):
        loaded = []

        def make(fail_at):
            def subject(name):
                def before_load():
                    if len(loaded) == fail_at:
                        raise error
                    loaded.append(name)

                return make_subject(name, before_load=before_load)

            return make_recipe(
                [subject(n) for n in "abcdef"],
                settings=settings,
                **{"split": (100, 0, 0), **options},
            )

        with pytest.raises(error):
            conversion.convert(make(fail_at=3), str(tmp_path))
        loaded.clear()
        return make(fail_at=None), loaded

    return interrupt


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_an_interruption_leaves_whole_shards_only(
    content_of, interrupted, tmp_path, error
):
    interrupted(error)
    names = sorted(content_of(tmp_path))
    assert names == sorted(
        f"train-{n:05d}-of-00006.tfrecord{suffix}"
        for n in range(3)
        for suffix in ("", shards.PROGRESS_SUFFIX)
    )
    with pytest.raises(FileNotFoundError, match="not a complete set of shards"):
        manifest.load(str(tmp_path))


def test_the_same_command_continues(
    content_of, interrupted, make_subject, make_recipe, tmp_path
):
    recipe, loaded = interrupted()
    conversion.convert(recipe, str(tmp_path))
    assert len(loaded) == 3
    subjects = [make_subject(name) for name in "abcdef"]
    undisturbed = tmp_path / "undisturbed"
    conversion.convert(make_recipe(subjects, split=(100, 0, 0)), str(undisturbed))
    assert content_of(tmp_path) == content_of(undisturbed)


def test_what_another_version_left_is_made_again(
    content_of, interrupted, make_subject, make_recipe, tmp_path
):
    recipe, loaded = interrupted()
    first, *_ = notes = sorted(tmp_path.glob("*.progress.json"))
    for note in notes:
        fields = json.loads(note.read_text())
        fields["schema_version"] = 1
        if note == first:  # as the first of our versions wrote it
            fields = fields["shard"] | {"subjects": [{"subject": "a", "shape": [1]}]}
        note.write_text(json.dumps(fields))
    conversion.convert(recipe, str(tmp_path))
    assert sorted(loaded) == list("abcdef")
    subjects = [make_subject(name) for name in "abcdef"]
    conversion.convert(make_recipe(subjects, split=(100, 0, 0)), str(tmp_path / "new"))
    assert content_of(tmp_path) == content_of(tmp_path / "new")


def test_a_damaged_shard_is_made_again(interrupted, tmp_path):
    recipe, loaded = interrupted()
    path = tmp_path / "train-00001-of-00006.tfrecord"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    conversion.convert(recipe, str(tmp_path))
    assert len(loaded) == 4
    assert verification.verify(str(tmp_path)) == []


def test_a_shard_of_a_changed_scan_is_made_again(interrupted, tmp_path, make_volume):
    recipe, loaded = interrupted()
    (progress,) = tmp_path.glob("train-00000-*.progress.json")
    outcome = shards.read_progress_note(progress.read_bytes())
    name = outcome.shard.subjects[0].subject
    content = [
        dataclasses.replace(s, image=make_volume(seed=99)) if s.id == name else s
        for s in recipe.dataset.content
    ]
    recipe.dataset.with_content(content)
    conversion.convert(recipe, str(tmp_path))
    assert len(loaded) == 4
    assert name in loaded


def test_an_unfinished_set_of_another_recipe_is_replaced(
    content_of, interrupted, tmp_path
):
    recipe, loaded = interrupted()
    another = dataclasses.replace(recipe, num_shards=2, seed=5)
    conversion.convert(another, str(tmp_path))
    assert sorted(loaded) == list("abcdef")
    assert sorted(content_of(tmp_path)) == [
        "manifest.json",
        "train-00000-of-00002.tfrecord",
        "train-00001-of-00002.tfrecord",
    ]


def test_an_unfinished_set_of_other_label_names_is_replaced(interrupted, tmp_path):
    recipe, loaded = interrupted()
    renamed = {1: "cartilage", 2: "bone", 3: "patella"}
    dataset = dataclasses.replace(recipe.dataset, label_names=renamed)
    dataset.with_content(recipe.dataset.content)
    conversion.convert(dataclasses.replace(recipe, dataset=dataset), str(tmp_path))
    assert sorted(loaded) == list("abcdef")
    assert manifest.load(str(tmp_path)).label_names == renamed


@pytest.mark.parametrize("change", [{"seed": 8}, {"compression": "gzip"}])
def test_shards_of_the_same_name_but_another_recipe_are_made_again(
    interrupted, tmp_path, change
):
    recipe, loaded = interrupted()
    conversion.convert(dataclasses.replace(recipe, **change), str(tmp_path))
    assert sorted(loaded) == list("abcdef")
    assert verification.verify(str(tmp_path)) == []


def test_a_set_that_lacks_only_its_manifest_gets_it(
    make_subject, make_recipe, tmp_path, monkeypatch
):
    loaded = []
    subjects = [
        make_subject(name, before_load=lambda: loaded.append(None)) for name in "abc"
    ]

    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(manifest, "save", fail)
    with pytest.raises(OSError, match="No space left"):
        conversion.convert(make_recipe(subjects), str(tmp_path))
    monkeypatch.undo()
    conversion.convert(make_recipe(subjects), str(tmp_path))
    assert len(loaded) == 3
    assert verification.verify(str(tmp_path)) == []


def test_a_complete_set_is_left_as_it_is(
    content_of, make_subject, make_recipe, tmp_path
):
    recipe = make_recipe([make_subject(name) for name in "abcd"])
    made = conversion.convert(recipe, str(tmp_path))
    before = content_of(tmp_path)

    def fail():
        raise AssertionError("a scan was loaded")

    for subject in recipe.dataset.content:
        object.__setattr__(subject, "before_load", fail)
    assert conversion.convert(recipe, str(tmp_path)) == made
    assert content_of(tmp_path) == before


def test_a_missing_shard_of_a_complete_set_is_made_again(
    content_of, make_subject, make_recipe, tmp_path
):
    recipe = make_recipe([make_subject(name) for name in "abcd"])
    conversion.convert(recipe, str(tmp_path))
    before = content_of(tmp_path)
    (tmp_path / "test-00000-of-00001.tfrecord").unlink()
    conversion.convert(recipe, str(tmp_path))
    assert content_of(tmp_path) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 3}, "seed was 0, is 3"),
        ({"compression": "gzip"}, "compression was none, is gzip"),
        ({"split": (50, 50, 0)}, r"split was \[70.0, 20.0, 10.0\], is \[50, 50, 0\]"),
        ({"settings": "b"}, "settings was fake, is b"),
        (
            {"label_names": {1: "cartilage", 2: "bone", 3: "patella"}},
            "label_names was {.*'3': 'meniscus'}, is {.*'3': 'patella'}",
        ),
    ],
)
def test_a_complete_set_of_another_recipe_is_refused(
    content_of, make_subject, make_recipe, tmp_path, change, message
):
    subjects = [make_subject(name) for name in "abcd"]
    conversion.convert(make_recipe(subjects), str(tmp_path))
    before = content_of(tmp_path)
    with pytest.raises(ValueError, match=f"another recipe: {message}. Give another"):
        conversion.convert(make_recipe(subjects, **change), str(tmp_path))
    assert content_of(tmp_path) == before


def test_a_complete_set_of_other_scans_is_refused(
    content_of, make_subject, make_recipe, make_volume, tmp_path
):
    subjects = [make_subject(name) for name in "abcd"]
    conversion.convert(make_recipe(subjects), str(tmp_path))
    before = content_of(tmp_path)
    with pytest.raises(
        ValueError, match="scans, or their persons, sides and grades, are"
    ):
        conversion.convert(make_recipe([*subjects, make_subject("e")]), str(tmp_path))
    subjects[2] = make_subject("c", image=make_volume(seed=77))
    with pytest.raises(ValueError, match="the source of 'c' has changed since"):
        conversion.convert(make_recipe(subjects), str(tmp_path))
    assert content_of(tmp_path) == before


def test_a_complete_set_of_other_grades_is_refused(make_rich, make_recipe, tmp_path):
    def recipe(grade):
        graded = [make_rich(name, scalars={"grade": grade}) for name in "abc"]
        return make_recipe(graded)

    conversion.convert(recipe(1), str(tmp_path))
    conversion.convert(recipe(1), str(tmp_path))
    with pytest.raises(ValueError, match="persons, sides and grades, are others"):
        conversion.convert(recipe(2), str(tmp_path))


def test_a_set_without_grades_has_the_fingerprint_of_earlier_versions(records_dir):
    described = manifest.load(str(records_dir))
    for shard in described.all_shards:
        subjects = [[s.subject, s.person, s.side, s.source] for s in shard.subjects]
        content = {
            "schema_version": 2,
            "recipe": described.recipe,
            "file": shard.file,
            "subjects": subjects,
        }
        text = json.dumps(content, sort_keys=True)
        assert shard.fingerprint == hashlib.sha256(text.encode()).hexdigest()


def test_shards_of_strangers_are_refused(make_subject, make_recipe, tmp_path):
    (tmp_path / "train-00000-of-00009.tfrecord").write_bytes(b"")
    with pytest.raises(ValueError, match="holds train-00000-of-00009"):
        conversion.convert(make_recipe([make_subject(n) for n in "abc"]), str(tmp_path))
