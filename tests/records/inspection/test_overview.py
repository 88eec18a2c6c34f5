"""The tables that `inspect` prints."""

from records import conversion, manifest
from records.inspection import overview


def test_every_shard_and_subject_has_a_row(records_dir):
    described = manifest.load(records_dir)
    lines = overview.describe(described).splitlines()
    for shard in described.all_shards:
        (row,) = [line.split() for line in lines if line.startswith(shard.file)]
        assert row[1:3] == [shard.split, str(shard.num_subjects)]
        for entry in shard.subjects:
            (row,) = [x.split() for x in lines if x.startswith(f"{entry.subject} ")]
            shape = ["6", "x", "7", "x", "5"]
            # Column norms of the affine, by hand: sqrt(.05^2 + .02^2 + .39^2) = .3937,
            # sqrt(.31^2 + .01^2) = .3102, sqrt(1.48^2 + .03^2 + .1^2) = 1.4837.
            spacing = ["0.3937", "x", "0.3102", "x", "1.484"]
            facts = [entry.person, "right", shard.split, "sagittal"]
            assert row[1:] == [*facts, *shape, *spacing, "int16", "yes"]
    assert (
        "6 subjects (train 4, validation 1, test 1) of 6 persons in 4 shards"
        in lines[-3]
    )
    assert lines[-2] == "label maps: train 4 of 4, validation 1 of 1, test 1 of 1"
    assert lines[-1].startswith(
        "recipe: dataset fake, split [60, 20, 20], num_shards 2"
    )
    # They have a table of their own.
    assert "label_names" not in lines[-1]


def test_columns_are_aligned(records_dir):
    lines = overview.describe(manifest.load(records_dir)).splitlines()
    start = lines[0].index("split")
    assert all(line[start - 2 : start] == "  " for line in lines[:6])


def test_arrays_and_scalars_have_a_row(make_rich, make_recipe, tmp_path):
    bare = make_rich("b", arrays={}, scalars={"grade": 4}, labelled=False)
    recipe = make_recipe([make_rich("a"), bare], split=(100, 0, 0))
    described = conversion.convert(recipe, str(tmp_path))
    lines = [line.split() for line in overview.describe(described).splitlines()]
    for row in (
        ["image", "int16", "own", "2", "of", "2"],
        ["label", "uint8", "image", "1", "of", "2"],
        ["echo_2", "uint16", "own", "1", "of", "2"],
        ["k_space", "float32", "none", "1", "of", "2"],
        ["thickness_mm", "float32", "image", "1", "of", "2"],
        ["age_years", "float", "1", "of", "2", "61.3"],
        ["grade", "int", "2", "of", "2", "-3", "to", "4"],
        ["scanner", "str", "1", "of", "2", "Skyra", "é"],
    ):
        assert row in lines
    assert overview.brought(described).split("; ") == [
        "arrays: image, label (1 of 2), echo_2 (1 of 2), k_space (1 of 2), "
        "thickness_mm (1 of 2)",
        "scalars: age_years (1 of 2), grade, scanner (1 of 2)",
    ]


def test_grades_have_a_row_for_each_value_and_split(make_rich, make_recipe, tmp_path):
    grades = {"a": 3, "b": 0, "c": 3, "d": None}
    subjects = [
        make_rich(
            name,
            arrays={},
            scalars={"age_years": 61.3} | ({} if value is None else {"grade": value}),
            split={"c": "test", "d": "test"}.get(name, "train"),
        )
        for name, value in grades.items()
    ]
    described = conversion.convert(make_recipe(subjects), str(tmp_path))
    assert described.grades == {
        "grade": {
            0: {"train": 1, "validation": 0, "test": 0},
            3: {"train": 1, "validation": 0, "test": 1},
        }
    }
    lines = [line.split() for line in overview.describe(described).splitlines()]
    start = lines.index(["grade", "value", "train", "validation", "test"])
    assert lines[start + 2 : start + 6] == [
        ["grade", "0", "1", "0", "0"],
        ["grade", "3", "1", "0", "1"],
        ["grade", "none", "0", "0", "1"],
        [],
    ]


def test_whole_numbers_of_many_values_have_their_range_alone(
    make_rich, make_recipe, tmp_path
):
    subjects = [
        make_rich(f"{n:02d}", arrays={}, scalars={"grade": n}) for n in range(17)
    ]
    described = conversion.convert(make_recipe(subjects), str(tmp_path))
    text = overview.describe(described)
    assert len(described.grades["grade"]) == 17
    assert "grade   int   17 of 17  0 to 16" in text
    assert "value " not in text
