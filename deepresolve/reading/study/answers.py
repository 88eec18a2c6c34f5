"""Every answer, in a data base that a killed server leaves whole.

SQLite writes ahead to a log and flushes it at each commit: what `record` has returned
from is on the disk.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import pathlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator

# Where an answer belongs that is of the whole case.
WHOLE_CASE = -1

_SECONDS_TO_WAIT = 30
_TABLES = """
PRAGMA journal_mode = WAL;
CREATE TABLE seal (key_sha256 TEXT NOT NULL, recorded_at TEXT NOT NULL);
CREATE TABLE answers (
  reader TEXT NOT NULL, presentation TEXT NOT NULL, place INTEGER NOT NULL,
  question TEXT NOT NULL, value TEXT NOT NULL, answered_at TEXT NOT NULL,
  PRIMARY KEY (reader, presentation, place, question)
);
CREATE TABLE history (
  id INTEGER PRIMARY KEY, reader TEXT NOT NULL, presentation TEXT NOT NULL,
  place INTEGER NOT NULL, question TEXT NOT NULL, value TEXT NOT NULL,
  answered_at TEXT NOT NULL
);
CREATE TABLE locks (
  reader TEXT NOT NULL, presentation TEXT NOT NULL, locked_at TEXT NOT NULL,
  PRIMARY KEY (reader, presentation)
);
"""
# What has been is not changed, whoever opens the data base.
_KEPT = ("seal", "history", "locks")
_TRIGGER = """
CREATE TRIGGER {table}_keeps_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is only added to'); END;
"""


class LockedError(ValueError):
    """An answer to a presentation that its reader has locked."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """One answer.

    Attributes:
      reader: who gave it.
      presentation: which presentation of a case.
      place: of the image, 0 on the left; WHOLE_CASE.
      question: its name.
      value: a whole number's text, or the remark; "" where an answer was taken back.
      answered_at: UTC, ISO 8601.
    """

    reader: str
    presentation: str
    place: int
    question: str
    value: str
    answered_at: str


Check = Callable[[list[Answer]], None]


@dataclasses.dataclass(frozen=True)
class Answers:
    """The answers of a study.

    Attributes:
      path: of the data base.
    """

    path: pathlib.Path

    @classmethod
    def create(cls, path: pathlib.Path, key_sha256: str) -> Answers:
        """A new data base that holds the key's hash and no answer.

        Raises:
          FileExistsError: there is something at `path`.
        """
        if path.exists():
            raise FileExistsError(f"{path} exists already.")
        triggers = (
            _TRIGGER.format(table=table, verb=verb)
            for table in _KEPT
            for verb in ("DELETE", "UPDATE")
        )
        with (
            _named(path),
            contextlib.closing(sqlite3.connect(path)) as base,
            base,
        ):
            base.executescript(_TABLES + "".join(triggers))
            base.execute("INSERT INTO seal VALUES (?, ?)", (key_sha256, now()))
        return cls(path)

    def record(
        self,
        reader: str,
        presentation: str,
        given: Iterable[tuple[int, str, str]],
        check: Check | None = None,
    ) -> list[Answer]:
        """Keeps answers to one presentation: all of them or none.

        The same answer given again changes nothing.

        Args:
          reader: who gives them.
          presentation: what they are about.
          given: (place, question, value) of each; "" takes an answer back.
          check: is shown what would hold afterwards; what it raises undoes everything.

        Returns:
          What now holds of this reader and presentation.

        Raises:
          LockedError: the reader has locked the presentation.
        """
        with self._writing() as base:
            self._check_not_locked(base, reader, presentation)
            for place, question, value in given:
                _put(base, Answer(reader, presentation, place, question, value, now()))
            return _checked(_select(base, reader, presentation), check)

    def lock(self, reader: str, presentation: str, check: Check | None = None) -> str:
        """Ends a presentation for a reader; again changes nothing.

        Args:
          reader: who ends it.
          presentation: what is ended.
          check: is shown what holds; what it raises leaves the presentation open.

        Returns:
          When it was locked.
        """
        with self._writing() as base:
            _checked(_select(base, reader, presentation), check)
            base.execute(
                "INSERT OR IGNORE INTO locks VALUES (?, ?, ?)",
                (reader, presentation, now()),
            )
        return self.locks()[reader, presentation]

    def answers_to(self, reader: str, presentation: str) -> list[Answer]:
        """What holds of one reader and presentation."""
        with self._opened() as base:
            return _select(base, reader, presentation)

    def all_answers(self) -> list[Answer]:
        """The newest answers of all readers, in the order in which they were given."""
        with self._opened() as base:
            return _as_answers(base.execute(_OF_ANSWERS + "ORDER BY answered_at"))

    def history(self) -> list[Answer]:
        """Everything that was ever answered, in its order."""
        with self._opened() as base:
            return _as_answers(base.execute(_OF_HISTORY + "ORDER BY id"))

    def locks(self) -> dict[tuple[str, str], str]:
        """When (reader, presentation) was locked."""
        with self._opened() as base:
            rows = base.execute("SELECT reader, presentation, locked_at FROM locks")
            return {(reader, presentation): at for reader, presentation, at in rows}

    def seal(self) -> tuple[str, str]:
        """SHA-256 of the key, and when it was recorded: before any answer."""
        with self._opened() as base:
            return base.execute("SELECT key_sha256, recorded_at FROM seal").fetchone()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        if not self.path.is_file():
            raise FileNotFoundError(
                f"{self.path}: there is no such file. `prepare` makes it; name a study."
            )
        with _named(self.path), contextlib.closing(self._connect()) as base:
            yield base

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._opened() as base, base:
            base.execute("BEGIN IMMEDIATE")
            yield base

    def _connect(self) -> sqlite3.Connection:
        base = sqlite3.connect(
            self.path, timeout=_SECONDS_TO_WAIT, isolation_level=None
        )
        base.execute("PRAGMA synchronous = FULL")
        return base

    def _check_not_locked(
        self, base: sqlite3.Connection, reader: str, presentation: str
    ) -> None:
        row = base.execute(
            "SELECT 1 FROM locks WHERE reader = ? AND presentation = ?",
            (reader, presentation),
        ).fetchone()
        if row:
            raise LockedError("This case is locked: its answers stay as they are.")


@contextlib.contextmanager
def _named(path: pathlib.Path) -> Iterator[None]:
    """What SQLite cannot do with the file is an OSError that names it."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise OSError(
            f"{path}: {error}. Is the disk full, the folder read-only (SQLite writes "
            "to read, too), or the file damaged?"
        ) from error


def _checked(answers: list[Answer], check: Check | None) -> list[Answer]:
    if check:
        check(answers)
    return answers


def now() -> str:
    """The time, UTC, ISO 8601 with microseconds."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat("T", "microseconds")


_OF_ANSWERS = (
    "SELECT reader, presentation, place, question, value, answered_at FROM answers "
)
_OF_HISTORY = (
    "SELECT reader, presentation, place, question, value, answered_at FROM history "
)
_VALUE = (
    "SELECT value FROM answers "
    "WHERE reader = ? AND presentation = ? AND place = ? AND question = ?"
)
_DELETE = (
    "DELETE FROM answers "
    "WHERE reader = ? AND presentation = ? AND place = ? AND question = ?"
)
_REPLACE = "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)"
_ADD = "INSERT INTO history VALUES (NULL, ?, ?, ?, ?, ?, ?)"


def _put(base: sqlite3.Connection, answer: Answer) -> None:
    row = dataclasses.astuple(answer)
    before = base.execute(_VALUE, row[:4]).fetchone()
    if answer.value == (before[0] if before else ""):
        return
    base.execute(_ADD, row)
    if answer.value:
        base.execute(_REPLACE, row)
    else:
        base.execute(_DELETE, row[:4])


def _select(base: sqlite3.Connection, reader: str, presentation: str) -> list[Answer]:
    where = "WHERE reader = ? AND presentation = ? ORDER BY place, question"
    return _as_answers(base.execute(_OF_ANSWERS + where, (reader, presentation)))


def _as_answers(rows: Iterable[tuple]) -> list[Answer]:
    return [Answer(*row) for row in rows]
