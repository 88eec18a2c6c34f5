"""A map of relaxation times, by the label map of its knee, as lines of a table."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from deepresolve.imaging import formats
from deepresolve.imaging.echoes import DoubleEcho, Echoes
from deepresolve.imaging.formats.choice import ALL, Contents
from deepresolve.prediction import placement
from deepresolve.prediction.label_map_files import read_label_map
from deepresolve.prediction.measured_map import Settings
from deepresolve.quantification.knee import measure
from deepresolve.quantification.relaxation import agreement, layers, table
from deepresolve.quantification.relaxation.layers import Layers
from deepresolve.quantification.relaxation.maps import RelaxationMap
from deepresolve.tasks.prediction import Cell, TableKind

TABLE = TableKind(
    "relaxation times",
    {**dict.fromkeys(("place", "layer", "kind", "method"), str), **table.QUANTITIES},
)


def layers_of(
    path: pathlib.Path, settings: Settings, echoes: Echoes | DoubleEcho
) -> tuple[Layers, tuple[str, ...]]:
    """Where voxels of echoes lie in the cartilage of a label map.

    Args:
      path: of the label map, on any grid of the same session.
      settings: what its values mean, and how the knee is divided; without names they
        are those of a DICOM segmentation.
      echoes: on whose grid the map is.

    Returns:
      The layers, and notes of what makes their numbers worse than they look.

    Raises:
      FileNotFoundError: there is nothing at the path.
      ValueError: it is no label map that can be measured, of another patient, or has no
        cartilage where the echoes lie; the message begins with its path.
    """
    scan = echoes.volumes[0] if isinstance(echoes, Echoes) else echoes.first
    label_map, own_names = read_label_map(path)
    names = settings.label_names or own_names
    of_echoes = _contents_of(echoes)
    of_session = session_notes(path, of_echoes)
    with _naming(path):
        knee = measure(label_map, names, settings.weight_bearing, settings.side)
        found = layers.of_knee(knee, label_map, names, scan)
        doubts = agreement.notes(scan, label_map, names)
    of_side = side_notes(knee.side, of_echoes)
    return found, (*knee.notes, *found.notes, *of_session, *of_side, *doubts)


def _contents_of(echoes: Echoes | DoubleEcho) -> list[Contents]:
    """What is known of the echoes: not of other series in their folders."""
    # A series is looked through once, however many of the echoes it holds.
    chosen = dict.fromkeys(
        (path, dataclasses.replace(choice, volume=ALL))
        for path, choice in echoes.origins
    )
    return [formats.contents(path, choice) for path, choice in chosen]


@contextlib.contextmanager
def _naming(path: pathlib.Path) -> Iterator[None]:
    """What is wrong with a label map begins with its path, as what cannot be read."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def session_notes(
    label_map: pathlib.Path, of_echoes: Sequence[Contents]
) -> tuple[str, ...]:
    """What headers say against a label map and echoes being of one session.

    Args:
      label_map: its path.
      of_echoes: what is known of them, series by series; () where they were not read.

    Raises:
      ValueError: they are of two patients.
    """
    own = _by_keyword(formats.contents(label_map).identity)
    theirs = _by_keyword(
        pair for each in of_echoes for one in each.identities for pair in one
    )
    differ = {
        keyword
        for keyword in own.keys() & theirs.keys()
        if own[keyword].isdisjoint(theirs[keyword])
    }
    if "PatientID" in differ:
        raise ValueError(
            f"{label_map}: the label map and the echoes are of two patients: they "
            "differ in PatientID. Give the label map of this knee. If one of both was "
            "given another number, write the label map as NIfTI, which has none."
        )
    if "FrameOfReferenceUID" in differ:
        where = " and another study" if "StudyInstanceUID" in differ else ""
        return (
            f"The label map has another frame of reference{where} than the echoes: the "
            "patient was positioned anew in between, and places need not agree.",
        )
    return ()


def side_notes(side: str, of_echoes: Sequence[Contents]) -> tuple[str, ...]:
    """Whether headers of the echoes name the other knee.

    Args:
      side: "right" or "left", of the label map; "" where nothing tells.
      of_echoes: what is known of them, series by series.
    """
    told = {one.side for each in of_echoes for one in each.acquired} - {"unknown"}
    if not side or len(told) != 1 or side in told:
        return ()
    return (
        f"By its labels this is a {side} knee, and by the headers of the echoes a "
        f"{told.pop()} one.",
    )


def _by_keyword(pairs: Iterable[tuple[str, str]]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for keyword, value in pairs:
        found[keyword].add(value)
    return found


def rows(name: str, found: RelaxationMap, places: Layers) -> list[tuple[Cell, ...]]:
    """The lines of a map.

    Args:
      name: of the map in the table.
      found: the map.
      places: where its voxels lie.
    """
    return [
        (
            *(name, row["place"], row["layer"], found.kind, found.method),
            *(row[quantity] for quantity in table.QUANTITIES),
        )
        for row in table.rows(places, found)
    ]


def name_of(output: pathlib.Path, table_path: pathlib.Path) -> str:
    """A map's name in a table: its path as seen from there, without an ending."""
    folder = os.path.relpath(output.parent, table_path.parent)
    return (pathlib.Path(folder) / placement.without_ending(output)).as_posix()
