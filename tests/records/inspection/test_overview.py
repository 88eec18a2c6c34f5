"""The tables that `inspect` prints."""

from records import manifest
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
