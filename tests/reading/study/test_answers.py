import contextlib
import sqlite3
import threading

import pytest

from deepresolve.reading.study.answers import Answers, LockedError


@pytest.fixture
def answers(tmp_path):
    return Answers.create(tmp_path / "answers.sqlite", "abc")


def values(answers):
    return [(a.place, a.question, a.value) for a in answers]


def test_the_seal_is_older_than_any_answer(answers):
    answers.record("anna", "p", [(0, "diq", "4")])
    key, sealed_at = answers.seal()
    assert key == "abc"
    assert sealed_at < answers.all_answers()[0].answered_at


def test_the_newest_answer_holds_and_all_are_remembered(answers):
    answers.record("anna", "p", [(0, "diq", "4"), (1, "diq", "2")])
    answers.record("anna", "p", [(0, "diq", "5")])
    held = answers.record("anna", "p", [(1, "diq", "")])
    assert values(held) == values(answers.all_answers()) == [(0, "diq", "5")]
    given = [(0, "diq", "4"), (1, "diq", "2"), (0, "diq", "5"), (1, "diq", "")]
    assert values(answers.history()) == given


def test_the_same_answer_twice_is_one(answers):
    for _ in range(3):
        answers.record("anna", "p", [(0, "diq", "4"), (2, "diq", "")])
    assert values(answers.history()) == [(0, "diq", "4")]


def test_readers_and_presentations_are_kept_apart(answers):
    answers.record("anna", "p", [(0, "diq", "4")])
    answers.record("ben", "p", [(0, "diq", "2")])
    answers.record("anna", "q", [(0, "diq", "1")])
    assert values(answers.answers_to("ben", "p")) == [(0, "diq", "2")]
    answers.lock("anna", "p")
    answers.record("ben", "p", [(0, "diq", "3")])
    assert list(answers.locks()) == [("anna", "p")]


def test_what_a_check_refuses_never_was(answers):
    def refuse(held):
        assert values(held) == [(0, "diq", "4")]
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        answers.record("anna", "p", [(0, "diq", "4")], refuse)
    assert answers.all_answers() == answers.history() == []
    with pytest.raises(ZeroDivisionError):
        answers.lock("anna", "p", lambda held: 1 / 0)
    assert answers.locks() == {}


def test_locked_answers_stay(answers):
    answers.record("anna", "p", [(0, "diq", "4")])
    at = answers.lock("anna", "p")
    assert answers.lock("anna", "p") == at
    with pytest.raises(LockedError, match="locked"):
        answers.record("anna", "p", [(0, "diq", "5")])
    assert values(answers.all_answers()) == [(0, "diq", "4")]


@pytest.mark.parametrize(
    "command",
    [
        "DELETE FROM seal",
        "DELETE FROM history",
        "DELETE FROM locks",
        "UPDATE seal SET key_sha256 = ''",
        "UPDATE history SET value = ''",
        "UPDATE locks SET locked_at = ''",
    ],
)
def test_the_past_cannot_be_changed_by_accident(answers, command):
    answers.record("anna", "p", [(0, "diq", "4")])
    answers.lock("anna", "p")
    refused = pytest.raises(sqlite3.IntegrityError, match="only added to")
    with contextlib.closing(sqlite3.connect(answers.path)) as base, refused:
        base.execute(command)


def test_every_commit_is_flushed_into_a_log(answers):
    with answers._writing() as base:
        assert base.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert base.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_many_at_once_lose_nothing(answers):
    def read(reader):
        for place in range(10):
            answers.record(reader, "p", [(place, "diq", "4")])

    threads = [threading.Thread(target=read, args=(f"r{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers.all_answers()) == len(answers.history()) == 40


def test_a_missing_data_base_is_told_and_not_made(tmp_path):
    path = tmp_path / "answers.sqlite"
    with pytest.raises(FileNotFoundError, match=r"answers\.sqlite"):
        Answers(path).all_answers()
    assert not path.exists()
    Answers.create(path, "abc")
    with pytest.raises(FileExistsError):
        Answers.create(path, "abc")


def test_a_full_disk_is_told_and_keeps_what_was_answered(answers, full_disk):
    answers.record("anna", "p", [(0, "diq", "4")])
    with full_disk(1000), pytest.raises(OSError, match=r"answers\.sqlite: .*disk full"):
        answers.record("anna", "p", [(0, "diq", "5")])
    assert values(answers.all_answers()) == [(0, "diq", "4")]


def test_a_damaged_data_base_is_named(answers):
    answers.path.write_bytes(b"no data base at all" * 100)
    with pytest.raises(OSError, match=r"answers\.sqlite: file is not a database"):
        answers.all_answers()
