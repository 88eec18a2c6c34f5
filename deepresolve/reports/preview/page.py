"""A preview as one HTML page that scrolls through all slices and needs nothing else.

The volumes are inside, 8 bits a voxel; the browser cuts all planes out of them. The
page forbids itself to load anything (Content-Security-Policy).
"""

from __future__ import annotations

import html
import json
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from deepresolve.imaging.intensity import IntensityScale, estimate_scale
from deepresolve.metrics import rounding
from deepresolve.reports import cuts, drawing, heat_scale, palette, viewer_files
from deepresolve.reports.preview import PLANES, Preview, in_words, packing, slices_of
from deepresolve.reports.preview.graded import GradePreview
from deepresolve.reports.preview.packing import eight_bit

_FOLDER = pathlib.Path(__file__).parent / "page"
_STYLES = (viewer_files.FOLDER / "viewer.css", _FOLDER / "preview.css")
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src data:"
)


def write(path: pathlib.Path, preview: Preview) -> None:
    """Writes the page, piece by piece."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_pieces(preview))


def _pieces(preview: Preview) -> Iterator[str]:
    # In the scan's own axes, whose voxels need no copy to be put into a row.
    scale = estimate_scale(preview.scan.restore().array)
    title = f"{preview.scan_name} and {preview.result_name}"
    styles = "".join(path.read_text(encoding="utf-8") for path in _STYLES)
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n"
        f"<style>\n{styles}</style>\n</head>\n<body>\n"
        "<noscript>This page shows its slices by JavaScript.</noscript>\n"
        '<main id="viewer">Unpacking the slices</main>\n'
    )
    facts = _facts(preview, scale)
    yield f'<script type="application/json" id="facts">{facts}</script>\n'
    for name, slices in _volumes(preview, scale).items():
        yield f'<script type="text/plain" id="{name}">'
        yield from packing.pack(slices)
        yield "</script>\n"
    code = viewer_files.script(_FOLDER / "preview.js")
    yield f'<script>\n"use strict";\n{code}</script>\n</body>\n</html>\n'


def _volumes(
    preview: Preview, scale: IntensityScale
) -> dict[str, Iterator[np.ndarray]]:
    """What the page holds, slice by slice; labels beside the scan, or a result."""
    scan = (eight_bit(pixels, scale) for pixels in slices_of(preview.scan))
    return {"scan": scan} | {id_: preview.packed(id_, scale) for id_ in preview.ids}


def _facts(preview: Preview, scale: IntensityScale) -> str:
    """JSON that can stand within a script: it closes none, and opens no comment."""
    facts = {
        "title": preview.title,
        "files": [
            ["Input", preview.scan_name, in_words(preview.scan)],
            ["Output", preview.result_name, preview.output],
        ],
        "shape": preview.result.shape,
        "range": [scale.low, scale.high],
        "window": _window(preview),
        "planes": [_plane(preview, plane) for plane in PLANES],
        **_images(preview),
        "answers": _answers(preview),
        "notes": _notes(preview),
    }
    return json.dumps(facts, allow_nan=False).replace("<", "\\u003c")


def _images(preview: Preview) -> dict[str, list[dict[str, Any]]]:
    """Which volumes the page holds, and what is shown beside what.

    Every slice of the result shows the nearest one of a scan that has others.
    """
    nearest = None if preview.is_on_scan else preview.acquired_slices.tolist()
    num_slices = preview.scan.num_slices
    scan = {"id": "scan", "num_slices": num_slices, "nearest": nearest}
    num_made = preview.result.num_slices
    made = [{"id": id_, "num_slices": num_made, "nearest": None} for id_ in preview.ids]
    before = {"name": "Input", "grey": "scan", "overlay": None}
    after: dict[str, Any] = {"name": preview.panel, "grey": "result", "overlay": None}
    if preview.kind == "labels":
        overlay = {"labels": preview.kind, "classes": _classes(preview)}
        after |= {"grey": "scan", "overlay": overlay}
    if isinstance(preview, GradePreview):
        overlay = {"labels": preview.ids[preview.chosen], **_heat()}
        after |= {"grey": "scan", "overlay": overlay}
    return {"volumes": [scan, *made], "images": [before, after]}


def _heat() -> dict[str, Any]:
    """How probabilities are laid over a scan: `viewer/overlay.js`."""
    outline = {"name": "0.5", "colour": "#ffffff", "dashes": []}
    return {
        "classes": [outline],
        "heat": {"colours": heat_scale.colours(), "half": heat_scale.HALF},
    }


def _answers(preview: Preview) -> dict[str, Any] | None:
    """What was answered of the scan as a whole: `page/answers.js`; None if nothing."""
    if not isinstance(preview, GradePreview):
        return None
    every = []
    for number, (id_, one) in enumerate(zip(preview.ids, preview.looked, strict=True)):
        starts = preview.starts(number)
        every.append(
            {
                "id": id_,
                "question": one.question,
                "grade": one.grade,
                "probability": round(one.probability, 4),
                "of_slices": [round(p, 4) for p in preview.of_slices(number).tolist()],
                "starts": [starts[plane] for plane in PLANES],
            }
        )
    acquired = PLANES.index(preview.result.plane)
    return {"chosen": preview.chosen, "plane": acquired, "answers": every}


def _notes(preview: Preview) -> list[str]:
    notes = ["8-bit preview, for research: not for diagnosis"]
    if not preview.is_on_scan:
        notes.insert(
            0, "every output slice is computed, at acquired positions (ticks), too"
        )
    return notes


def _window(preview: Preview) -> tuple[float, float]:
    """Black and white, as in the figure: of the slices that are shown at first."""
    pairs = (preview.pair(plane, preview.first_shown[plane]) for plane in PLANES)
    low, high = drawing.window([pair.before for pair in pairs])
    if high > low:
        return low, high
    return low, low + 1e-6 * max(abs(low), 1)


def _plane(preview: Preview, plane: str) -> dict[str, Any]:
    start = preview.first_shown[plane]
    described = cuts.for_viewer(
        plane, preview.cuts[plane], start=start, ticks=preview.acquired(plane)
    )
    return described | {"captions": preview.captions(plane)}


def _classes(preview: Preview) -> list[dict]:
    classes = []
    for label, (name, volume_mm3) in enumerate(preview.classes, start=1):
        line = palette.line(label)
        classes.append(
            {
                "name": name,
                "volume_mm3": rounding.mm3(volume_mm3),
                "colour": line.colour,
                "dashes": line.dashes,
            }
        )
    return classes
