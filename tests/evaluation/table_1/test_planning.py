"""What is refused before a network is loaded; test_evaluate.py has whole runs."""

import dataclasses

import pytest

from deepresolve import presets
from deepresolve.evaluation.held_out import HeldOut
from deepresolve.evaluation.table_1.planning import Settings, plan
from deepresolve.runs.workdir import Workdir

LABEL_NAMES = {1: "femoral cartilage", 2: "tibial cartilage"}


@dataclasses.dataclass(frozen=True)
class Described:
    subject: str
    person: str
    labelled: bool = True


@pytest.fixture
def started(tmp_path):
    """Makes the workdir of a run without weights: what loads them fails."""

    def made(name, preset, **changes):
        config = presets.get(preset).replace(**changes)
        folder = Workdir(str(tmp_path / name))
        folder.start(config)
        return folder.path

    return made


def held_out(label_names=LABEL_NAMES, labelled=True):
    subjects = [Described("knee-0", "ann"), Described("knee-1", "bob", labelled)]
    return HeldOut("shards", "test", subjects, label_names, "0" * 64)


def test_a_network_is_not_its_own_benchmark(started):
    same = started("a", "seg_cnn")
    with pytest.raises(ValueError, match="not its own benchmark"):
        plan({"seg": same, "benchmark": same}, held_out(), Settings())


@pytest.mark.parametrize(
    ("part", "preset", "message"),
    [
        ("sr", "seg_cnn", "--sr_workdir=.* for segmentation; expected one for super"),
        (
            "benchmark",
            "sr_cnn",
            "--benchmark_workdir=.* for super_resolution; expected",
        ),
    ],
)
def test_a_run_of_another_task_plays_no_part(started, part, preset, message):
    with pytest.raises(ValueError, match=message):
        plan({part: started("a", preset)}, held_out(), Settings())


@pytest.mark.parametrize("preset", ["segnet_2d", "unet_2d"])
def test_flips_are_for_what_sees_more_than_one_slice(started, preset):
    runs = {"benchmark": started("a", preset)}
    with pytest.raises(ValueError, match="--flips is for a segmentation"):
        plan(runs, held_out(), Settings(flips=True))


def test_segmentations_need_the_same_classes(started):
    runs = {
        "seg": started("a", "seg_cnn", classes=("femoral cartilage",)),
        "benchmark": started("b", "segnet_2d", classes=("tibial cartilage",)),
    }
    with pytest.raises(ValueError, match=r"different classes: femoral .*; and tibial"):
        plan(runs, held_out(), Settings())


def test_every_subject_needs_labels(started):
    runs = {"seg": started("a", "seg_cnn", classes=("femoral cartilage",))}
    with pytest.raises(ValueError, match="1 of 2 test subjects of shards have no lab"):
        plan(runs, held_out(labelled=False), Settings())


def test_the_labels_need_the_classes(started):
    runs = {"seg": started("a", "seg_cnn", classes=("patellar cartilage",))}
    with pytest.raises(ValueError, match="shards lacks labels that the network of"):
        plan(runs, held_out(), Settings())
