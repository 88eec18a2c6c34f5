"""What is refused of one run; test_evaluate.py has whole evaluations."""

import dataclasses

import pytest

from deepresolve.evaluation import measuring, one_run
from deepresolve.evaluation.held_out import HeldOut
from deepresolve.tasks.trained_run import TrainedRun

LABEL_NAMES = {1: "femoral cartilage", 4: "medial meniscus", 7: "lateral meniscus"}


@dataclasses.dataclass(frozen=True)
class Described:
    subject: str
    person: str
    labelled: bool


def held_out(labelled=True):
    return HeldOut(
        "shards", "test", [Described("knee-0", "ann", labelled)], LABEL_NAMES, "0" * 64
    )


def test_a_run_is_measured_as_its_task_says(seg_workdir, subjects):
    run = TrainedRun.open(seg_workdir.path)
    found = measuring.evaluate(subjects, one_run.load(run, held_out(), {}))
    assert {m.label_class for m in found.measurements} == {
        "femoral cartilage",
        "menisci",
    }
    assert {(m.metric, m.unit, m.n) for m in found.cohort} == {
        (name, "mm³", 3) for name in ("bias", "lower_limit", "upper_limit", "rms_cv")
    }


def test_labels_are_asked_for_before_the_run_where_its_task_needs_them(
    seg_workdir, silent_workdir
):
    bare = held_out(labelled=False)
    with pytest.raises(ValueError, match="1 of 1 test subjects of shards have no lab"):
        one_run.load(TrainedRun.open(seg_workdir.path), bare, {})
    assert one_run.load(TrainedRun.open(silent_workdir.path), bare, {})


def test_options_are_those_of_the_task(seg_workdir):
    run = TrainedRun.open(seg_workdir.path)
    with pytest.raises(ValueError, match="Unknown options downsample_factor; a net"):
        one_run.load(run, held_out(), {"downsample_factor": 3})


def test_a_benchmark_is_another_network_of_the_same_task(seg_workdir, silent_workdir):
    run = TrainedRun.open(seg_workdir.path)
    with pytest.raises(ValueError, match="hold the same network, which is not its own"):
        one_run.check_comparable(run, TrainedRun.open(seg_workdir.path))
    with pytest.raises(ValueError, match=r"learned segmentation and .* super_resol"):
        one_run.check_comparable(run, TrainedRun.open(silent_workdir.path))


def test_what_a_benchmark_finds_has_its_name(seg_workdir, subjects):
    run = TrainedRun.open(seg_workdir.path)
    own = one_run.load(run, held_out(), {})
    found = measuring.evaluate(subjects[:1], one_run.beside(own, own))
    values = {}
    for m in found.measurements:
        values.setdefault(m.source, {})[m.metric, m.label_class] = m.value
    assert {*values} == {"seg", "benchmark"}
    assert values["seg"] == values["benchmark"]
