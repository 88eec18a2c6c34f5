"""A set of another schema version is refused with the command that makes it again."""

import json
import shlex

import pytest

from records import __main__ as cli
from records import conversion, manifest, reader, verification
from records.commands import again
from records.datasets import DATASETS

# As version 0.1 wrote it, without its shards.
PHANTOMS = {
    "schema_version": 1,
    "recipe": {
        "dataset": "phantom",
        "settings": {
            "num_subjects": 7,
            "phantom_shape": [40, 44, 24],
            "phantom_spacing_mm": [2.5, 2.5, 4.0],
        },
        "split": [58.0, 20.0, 22.0],
        "num_shards": None,
        "compression": "none",
        "seed": 3,
    },
    "versions": {"deepresolve": "0.1.0"},
    "label_names": {"1": "femoral cartilage"},
    "left_out": [],
    "shards": [],
}
COMMAND = (
    "python -m records convert --dataset=phantom --output={} --num_subjects=7 "
    "--phantom_shape=40,44,24 --phantom_spacing_mm=2.5,2.5,4.0 --split=58.0,20.0,22.0 "
    "--compression=none --seed=3"
)


@pytest.fixture
def old_set(tmp_path):
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / manifest.FILE).write_text(json.dumps(PHANTOMS))
    return folder


def _convert(folder):
    recipe = conversion.Recipe("phantom", DATASETS["phantom"](7))
    conversion.convert(recipe, str(folder))


def _command(name):
    def run(folder):
        cli.run(cli.parse_flags(["records", name, f"--records={folder}"]))

    return run


@pytest.mark.parametrize(
    "read",
    [
        manifest.load,
        lambda folder: reader.dataset(folder, "train"),
        lambda folder: list(reader.subjects(folder, "train")),
        lambda folder: list(reader.sample(folder, "train", 1)),
        verification.verify,
        _convert,
        _command("verify"),
        _command("inspect"),
    ],
)
def test_every_reader_refuses_schema_1(old_set, read, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # which a command sets
    with pytest.raises(ValueError, match=r"version 1; .* reads 2") as raised:
        read(old_set)
    told = str(raised.value)
    assert told.endswith(f": {COMMAND.format(f'{old_set}_again')}")


def test_the_command_means_what_the_recipe_says():
    settings = {
        "source": "my scans/é",
        "labels": "masks",
        "label_names": {"1": "femur", "3": "patella's"},
        "image_pattern": None,
        "ignore_label_affines": True,
        "slice_axis": 0,
        "echo": "all",
        "person_pattern": r"^(?P<person>\d+)",
        "grades": "my grades.csv",
    }
    recipe = {
        "dataset": "folder",
        "settings": settings,
        "split": [100 * n / 88 for n in (62, 17, 9)],
        "num_shards": 4,
        "compression": "gzip",
        "seed": 0,
        "stratify": ["acl", "kl_grade"],
    }
    command = again.command({"recipe": recipe, "left_out": [{}]}, "gs://b/set/")
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "records"]
    flags = cli.parse_flags(["records", *words[3:]])
    names = {int(value): name for value, name in settings["label_names"].items()}
    expected = {**settings, "label_names": names, **recipe}
    expected |= {"split": tuple(recipe["split"]), "leave_out_bad": True}
    expected |= {"stratify": tuple(recipe["stratify"])}
    del expected["settings"]
    assert {name: getattr(flags, name) for name in expected} == expected
    assert flags.output == "gs://b/set_again"


@pytest.mark.parametrize(
    "fields", [{}, {"recipe": None}, {"recipe": {"dataset": "mine", "settings": {}}}]
)
def test_what_no_command_converts_has_none(fields):
    assert again.command(fields, "old") is None
