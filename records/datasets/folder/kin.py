"""Which scans are of one person, by what they say of themselves.

A trait is a pair of a kind and a value, such as ("StudyInstanceUID", "1.2.3"): scans
that share one are of one person. Traits come from the elements of DICOM and from names;
the values tell who it is, so that none of them is kept or shown.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

Trait = tuple[str, str]

# A PatientID without a digit from 1 that is one of these words, or has no letter: what
# an anonymiser writes for everybody.
_NOBODY = re.compile(
    r"anon\w*|unknown|none|n/?a|null|nil|patient|subject|name|test|phantom|hidden"
    r"|removed|redacted|deleted|blank|empty|de-?ident\w*|not?[ _-]?(name|id)|x+"
)
# The label of a person in names of BIDS (bids-specification.readthedocs.io): sub-01.
_BIDS = re.compile(r"(?:^|[_/])sub-([a-z0-9]+)(?=[_/]|$)")
# What programs add for each echo or part of one series: dcm2niix (_e2, _ph, _real,
# _imaginary), BIDS (_echo-2, _part-phase).
_PART = re.compile(
    r"([_-](e|echo-?|te)\d+|_part-\w+|_(ph|phase|mag|magnitude|real|imaginary))+$"
)
# What a name begins with, up to its first mark, where there is a digit in it.
_BEGINNING = re.compile(r"([^_. -]*\d[^_. -]*)[_. -]")


def traits_of(
    name: str, identity: Iterable[Trait], counted: Collection[str] = ()
) -> frozenset[Trait]:
    """The traits of a scan.

    Args:
      name: its path below the folder of the scans without the ending, with _ for /.
      identity: of `formats.Contents`.
      counted: of `counted`, for all scans of the set.
    """
    found = {
        (kind, value.casefold())  # IDs are typed in.
        for kind, value in identity
        if not is_nobody(kind, value, counted)
    }
    name = name.casefold()
    found.add(("name but for the echo", _PART.sub("", name)))
    if match := _BIDS.search(name):
        found.add(("BIDS label sub-", match[1]))
    return frozenset(found)


def counted(identities: Iterable[Iterable[Trait]]) -> frozenset[str]:
    """The words that a set of scans counts persons with: "subject" of "subject1".

    Then "subject0" is somebody, too.

    Args:
      identities: of each scan.
    """
    return frozenset(
        _letters(value)
        for identity in identities
        for kind, value in identity
        if kind == "PatientID" and re.search(r"[1-9]", value)
    )


def is_nobody(kind: str, value: str, counted: Collection[str] = ()) -> bool:
    """Whether this is a PatientID that anonymisers give to everybody."""
    if kind != "PatientID" or re.search(r"[1-9]", value):
        return False
    letters = _letters(value)
    if "0" in value and letters in counted:
        return False
    return not letters or _NOBODY.fullmatch(letters) is not None


def _letters(value: str) -> str:
    return re.sub(r"[\W\d_]+$|^[\W\d_]+", "", value.casefold())


def families(traits: Mapping[str, Collection[Trait]]) -> list[list[str]]:
    """The scans in groups of one person, each group and their list in order.

    Scans are of one person where a chain of shared traits connects them.

    Args:
      traits: of each scan, by its id.
    """
    names = sorted(traits)
    place = {name: n for n, name in enumerate(names)}
    pairs = [
        (place[bearers[0]], place[name])
        for bearers in _bearers(traits).values()
        for name in bearers[1:]
    ]
    edges = np.array(pairs, int).reshape(-1, 2).T
    graph = sparse.coo_matrix((np.ones(len(pairs)), edges), [len(names)] * 2)
    _, numbers = csgraph.connected_components(graph, directed=False)
    found = defaultdict(list)
    for name, number in zip(names, numbers, strict=True):
        found[number].append(name)
    return list(found.values())


def shared(
    traits: Mapping[str, Collection[Trait]], persons: Mapping[str, str]
) -> dict[tuple[str, str], list[str]]:
    """Pairs of scans that stand for two persons and share traits: the traits' kinds.

    Of many scans that share one trait each is paired with the first of another person.

    Args:
      traits: of each scan, by its id.
      persons: whose each scan is said to be.
    """
    found = defaultdict(list)
    for (kind, _), names in sorted(_bearers(traits).items()):
        for name in names[1:]:
            if persons[name] != persons[names[0]]:
                found[names[0], name].append(kind)
    return dict(found)


def kinds_shared(
    family: Collection[str], traits: Mapping[str, Collection[Trait]]
) -> list[str]:
    """The kinds of traits that more than one of these scans has, in order."""
    bearers = _bearers({name: traits[name] for name in family})
    return sorted({kind for (kind, _), names in bearers.items() if len(names) > 1})


def alike(names: Iterable[str]) -> list[list[str]]:
    """Groups of names that begin alike, with a digit: perhaps those of one person."""
    groups = defaultdict(list)
    for name in sorted(names):
        if match := _BEGINNING.match(name.casefold()):
            groups[match[1]].append(name)
    return [group for group in groups.values() if len(group) > 1]


def _bearers(traits: Mapping[str, Collection[Trait]]) -> dict[Trait, list[str]]:
    """The scans that have each trait, in order."""
    found = defaultdict(list)
    for name in sorted(traits):
        for trait in traits[name]:
            found[trait].append(name)
    return found
