import dataclasses

import pytest

from deepresolve.evaluation.held_out import HeldOut, trained_on_others
from deepresolve.tasks.trained_run import TrainedRun


@dataclasses.dataclass(frozen=True)
class Described:
    subject: str
    person: str
    labelled: bool = True


def held_out(labelled=True):
    subjects = [Described("knee-0", "ann"), Described("knee-1", "bob", labelled)]
    return HeldOut("shards", "test", subjects, {1: "femur"}, "0" * 64)


def test_each_subject_has_its_person():
    assert held_out().people == {"knee-0": "ann", "knee-1": "bob"}


def test_every_subject_needs_labels_where_they_are_asked_for():
    held_out().require_labels("do without")
    with pytest.raises(ValueError, match=r"1 of 2 test subjects of shards .* 'knee-1'"):
        held_out(labelled=False).require_labels("do without")


def test_a_run_that_learned_from_other_records_is_told(silent_workdir):
    name = silent_workdir.path
    strange = trained_on_others([TrainedRun.open(name)], held_out())
    assert strange.startswith(f"{name} learned from other records than shards")
    assert held_out().facts(strange)["trained_on"] == strange
    assert trained_on_others([], held_out()) is None
    assert held_out().facts(None) == {
        "records_sha256": "0" * 64,
        "trained_on": "these records; measured are the test scans",
    }
