"""One page a knee: what was measured, on its bones, over its scan.

The page is one file that loads nothing, and forbids itself to. What is said of how far
the numbers can be trusted stands before them.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import jinja2

import deepresolve
from deepresolve.imaging.volume import Volume
from deepresolve.quantification import places
from deepresolve.quantification.change import Change, Key
from deepresolve.quantification.knee import KneeMeasures
from deepresolve.reports import viewer_files
from deepresolve.reports.knee_page import meshes, slices, tables
from deepresolve.reports.preview import packing
from deepresolve.reports.thickness_scale import DENUDED, MOST_MM, stops

_FOLDER = pathlib.Path(__file__).parent / "page"
_STYLES = (viewer_files.FOLDER / "viewer.css", _FOLDER / "knee.css")
_PNG = b"\x89PNG\r\n\x1a\n"
_NUM_STOPS = 17
# Characters in which a page names its fingerprint.
_HEAD = 2000
_PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDER),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


class Said(Protocol):
    """A finding of a trust report, such as `tasks.findings.Finding`."""

    @property
    def text(self) -> str:
        """A line for people."""


class Illustration(NamedTuple):
    """A figure that another part of the program drew.

    Attributes:
      png: the file.
      title: what it is, in a few words.
      caption: how to read it.
    """

    png: bytes
    title: str
    caption: str


class Changes(NamedTuple):
    """What changed since an earlier visit.

    Attributes:
      by_key: by place and quantity; empty where nothing could be compared.
      remark: why not; "" where it could.
    """

    by_key: Mapping[Key, Change]
    remark: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Supplement:
    """What a page shows beside the numbers.

    Attributes:
      scan: behind the label map, on its grid.
      findings: of the report on how far the label map can be trusted; None where there
        is no report, which the page says.
      intervals: lower and upper end, by place and quantity.
      figures: at the end of the page.
      fingerprint: what the numbers follow from, which the page keeps.
      changes: since an earlier visit; None where there was none.
    """

    scan: Volume | None = None
    findings: Sequence[Said] | None = None
    intervals: tables.Intervals = dataclasses.field(default_factory=dict)
    figures: Sequence[Illustration] = ()
    fingerprint: str = ""
    changes: Changes | None = None


def render(
    knee: KneeMeasures,
    label_map: Volume,
    label_names: Mapping[int, str],
    name: str,
    beside: Supplement | None = None,
) -> str:
    """The whole page of a knee.

    Args:
      knee: as `quantification.knee.measure` gives it.
      label_map: that it was measured in; of the scan's grid where there is a scan.
      label_names: what its values mean.
      name: of the knee, for its head. All text is escaped.
      beside: what else is shown.

    Returns:
      HTML. A knee of 384 x 384 x 160 voxels with its scan has about 6 MB.

    Raises:
      ValueError: a scan on another grid, values above 255, or a figure that is no PNG.
    """
    beside = Supplement() if beside is None else beside
    _check_figures(beside.figures)
    bodies = [*meshes.of_bones(label_map, label_names), *meshes.of_plates(knee)]
    shown = slices.slices(label_map, label_names, beside.scan)
    texts: dict[str, str] = {}
    for mesh in bodies:
        texts |= meshes.packed(mesh)
    for volume, pixels in shown.volumes.items():
        texts[volume] = "".join(packing.pack(pixels))
    surfaces = {
        "meshes": [meshes.described(mesh) for mesh in bodies],
        "regions": [
            {"name": name, "words": places.described(name).alone}
            for name in places.REGION_NAMES
        ],
        # The left knee's medial side lies to the right.
        "medial_is_right": knee.side == "left" if knee.side else None,
        "per_mm": meshes.PER_MM,
        "most_mm": MOST_MM,
        "colours": stops(_NUM_STOPS),
        "denuded": DENUDED,
    }
    return _PAGES.get_template("knee.html").render(
        name=name,
        fingerprint=beside.fingerprint,
        facts=_facts(knee, label_map),
        findings=beside.findings,
        notes=knee.notes,
        groups=tables.cartilage(knee, beside.intervals),
        menisci=tables.menisci(knee, beside.intervals),
        changes=beside.changes,
        changed=tables.changed(beside.changes.by_key if beside.changes else {}),
        cartilage_columns=tables.CARTILAGE,
        meniscus_columns=tables.MENISCUS,
        has_intervals=bool(beside.intervals),
        intervals_from=knee.intervals_from,
        published=tables.PUBLISHED_SOURCE,
        figures=[
            (base64.b64encode(figure.png).decode("ascii"), figure)
            for figure in beside.figures
        ],
        texts=texts,
        data=_json({"surfaces": surfaces, "slices": shown.facts}),
        is_cut=shown.facts["is_cut"],
        most_mm=MOST_MM,
        colours=surfaces["colours"],
        denuded=DENUDED,
        style="".join(path.read_text(encoding="utf-8") for path in _STYLES),
        code=viewer_files.script(_FOLDER / "knee.js"),
    )


def fingerprint(path: pathlib.Path) -> str:
    """What the numbers of a page follow from; "" where it is no such page."""
    with path.open(encoding="utf-8", errors="replace") as file:
        found = re.search(
            r'<meta name="fingerprint" content="(\w*)">', file.read(_HEAD)
        )
    return found[1] if found else ""


def _facts(knee: KneeMeasures, label_map: Volume) -> dict[str, str]:
    """What was measured, and how."""
    spacing = " x ".join(f"{mm:.3g}" for mm in label_map.spacing_mm)
    voxels = " x ".join(map(str, label_map.shape))
    return {
        "Side": _side(knee, label_map),
        "Plates": ", ".join(
            places.described(plate).words.lower()
            for plate in places.in_order(list(knee.plates))
        ),
        "Label map": f"{voxels} voxels of {spacing} mm, {label_map.orientation}",
        "Weight-bearing part": (
            f"{100 * knee.weight_bearing:.0f} % of the way from the notch to the back "
            "of a condyle"
        ),
        "Program": f"DeepResolve {deepresolve.__version__}",
    }


def _side(knee: KneeMeasures, label_map: Volume) -> str:
    """Right or left, and what tells it."""
    if not knee.side:
        return "not known: nothing tells what is medial"
    other = "left" if knee.side == "right" else "right"
    told = f"{knee.side} knee: medial is towards the patient's {other}"
    if label_map.space == "unknown":
        told += (
            " (the file does not say how it lies in the patient: right and left may be "
            "swapped)"
        )
    return told


def _json(content: dict[str, Any]) -> str:
    """JSON that can stand within a script: it closes none, and opens no comment."""
    return json.dumps(content, allow_nan=False).replace("<", "\\u003c")


def _check_figures(figures: Sequence[Illustration]) -> None:
    for figure in figures:
        if not figure.png.startswith(_PNG):
            raise ValueError(
                f"The figure {figure.title!r}: expected a PNG file; it begins with "
                f"{figure.png[:8]!r}."
            )
