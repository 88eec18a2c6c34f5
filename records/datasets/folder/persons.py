"""Who is in which scan: from a table, a pattern in its name, or what it says itself."""

from __future__ import annotations

import dataclasses
import logging
import pathlib
import re
from collections.abc import Collection, Iterable, Mapping

from deepresolve.imaging.formats.choice import ONLY, Choice
from deepresolve.system import tables, wording
from records.datasets.folder import kin

_logger = logging.getLogger(__name__)

_REQUIRED = ("subject", "person")
_OPTIONAL = ("side", "split", "series", "echo", "volume")
_MOST_SHOWN = 4


@dataclasses.dataclass(frozen=True)
class Person:
    """The person in a scan, and what the table says of the scan.

    Attributes:
      name: identifies the person.
      side: "left", "right" or "unknown".
      split: the split the table puts the scan in, None where it does not say.
      choice: which of the scan's volumes the table takes.
    """

    name: str
    side: str = "unknown"
    split: str | None = None
    choice: Choice = ONLY


def identify(
    traits: Mapping[str, Collection[kin.Trait]],
    *,
    names: Mapping[str, str] | None = None,
    table: Mapping[str, Person] | None = None,
    pattern: str | None = None,
) -> dict[str, Person]:
    """The person in each scan.

    A table or a pattern has the last word: it is told where traits say otherwise.
    Without either, scans that share a trait are of one person, who has the first one's
    id for a name, and others are persons of their own.

    Args:
      traits: by the id of each scan; see `records.datasets.folder.kin`.
      names: by id, what a scan is called where that is not its id, because it is one
        of several volumes. The table may list either.
      table: of `read_table`. It may list scans that are not among these.
      pattern: a regular expression with a group named `person`, searched for in the
        names.

    Raises:
      ValueError: both are given, or a scan's person cannot be told.
    """
    if table is not None and pattern is not None:
        raise ValueError(
            "--persons and --person_pattern both say who is who: give one of them."
        )
    called = names or {}
    if table is not None:
        found = _from_table(traits, called, table)
    elif pattern is not None:
        found = _from_pattern({id_: called.get(id_, id_) for id_ in traits}, pattern)
    else:
        return _from_traits(traits)
    _tell_of_contradictions(traits, {name: p.name for name, p in found.items()})
    return found


def _from_traits(traits: Mapping[str, Collection[kin.Trait]]) -> dict[str, Person]:
    families = kin.families(traits)
    several = [family for family in families if len(family) > 1]
    if several:
        kinds = sorted({k for f in several for k in kin.kinds_shared(f, traits)})
        _logger.warning(
            "%d scans are taken for those of %s, for they share %s: %s. Where "
            "that is wrong, say who is who by --persons or --person_pattern.",
            *(sum(map(len, several)), wording.counted(len(several), "person")),
            ", ".join(kinds),
            wording.listed(
                [_listed_names(family, " = ") for family in several], _MOST_SHOWN, "; "
            ),
        )
    person_of = {name: family[0] for family in families for name in family}
    _tell_of_names(person_of)
    return {name: Person(person) for name, person in person_of.items()}


def _tell_of_names(person_of: Mapping[str, str]) -> None:
    for names in kin.alike(person_of):
        count = len({person_of[name] for name in names})
        if count > 1:
            _logger.warning(
                "The names %s begin alike, and are taken for %d persons. If they are "
                "one person's, say who is who by --persons or --person_pattern.",
                *(_listed_names(names, ", "), count),
            )
            return  # One example is enough.


def _tell_of_contradictions(
    traits: Mapping[str, Collection[kin.Trait]], persons: Mapping[str, str]
) -> None:
    pairs = kin.shared(traits, persons)
    if pairs:
        listed = [
            f"{a!r} ({persons[a]}) and {b!r} ({persons[b]}) share {', '.join(kinds)}"
            for (a, b), kinds in pairs.items()
        ]
        _logger.warning(
            "%d pairs of scans of two persons each look like one's: %s. If so, a test "
            "measures what was trained on: mend --persons or --person_pattern.",
            *(len(pairs), wording.listed(listed, _MOST_SHOWN, "; ")),
        )


def _listed_names(names: Iterable[str], separator: str) -> str:
    return wording.listed(map(repr, names), _MOST_SHOWN, separator)


def _from_table(
    ids: Iterable[str], names: Mapping[str, str], table: Mapping[str, Person]
) -> dict[str, Person]:
    listed = {id_: table.get(id_) or table.get(names.get(id_, id_)) for id_ in ids}
    found = {id_: person for id_, person in listed.items() if person is not None}
    if unlisted := [id_ for id_ in listed if id_ not in found]:
        raise ValueError(
            f"The table of --persons has no row for {len(unlisted)} scans, the first "
            f"{unlisted[0]!r}. Its column `subject` must name every scan by its path "
            "below --source without the ending, with _ for /."
        )
    return found


def read_table(path: pathlib.Path) -> dict[str, Person]:
    """Reads who is in which scan: a table as `deepresolve.system.tables` takes it.

    It has the columns subject, person and, where wanted, side, split, series, echo and
    volume, with values that the flags of these names take.

    Raises:
      OSError: it cannot be read.
      ValueError: it is no such table.
    """
    persons: dict[str, Person] = {}
    for row in tables.read_table(path, _REQUIRED, _OPTIONAL):
        subject = row.values["subject"]
        if not subject or not row.values["person"]:
            raise ValueError(f"{row.where}: expected a subject and a person.")
        if subject in persons:
            raise ValueError(f"{row.where}: the subject {subject!r} comes twice.")
        persons[subject] = _person(row)
    return persons


def _person(row: tables.Row) -> Person:
    found = row.values.get
    return Person(
        name=row.values["person"],
        side=found("side", "").lower() or "unknown",
        split=found("split") or None,
        choice=Choice(
            series=found("series") or None,
            echo=_echo(found("echo", ""), row.where),
            volume=found("volume") or None,
        ),
    )


def _echo(text: str, where: str) -> int | None:
    if text and not text.isdecimal():
        raise ValueError(f"{where}: an echo is a whole number from 1; got {text!r}.")
    return int(text) if text else None


def _from_pattern(names: Mapping[str, str], pattern: str) -> dict[str, Person]:
    try:
        expression = re.compile(tables.normal(pattern))
    except re.error as error:
        raise ValueError(f"--person_pattern={pattern}: {error}.") from error
    if "person" not in expression.groupindex:
        raise ValueError(
            f"--person_pattern={pattern} needs a group named person, such as "
            r"(?P<person>\d+)."
        )
    found = {}
    for subject, name in names.items():
        match = expression.search(name)
        if match is None or not match["person"]:
            raise ValueError(
                f"--person_pattern={pattern} finds no person in {subject!r}; every "
                "scan must match, or be listed in a table given as --persons."
            )
        found[subject] = Person(match["person"])
    return found
