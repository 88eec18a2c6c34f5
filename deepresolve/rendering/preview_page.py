"""A preview as one HTML page that scrolls through all slices and needs nothing else.

The volumes are inside, 8 bits a voxel; the browser cuts all planes out of them. The
page forbids itself to load anything (Content-Security-Policy).
"""

from __future__ import annotations

import html
import importlib.resources
import json
import pathlib
from collections.abc import Iterator

from deepresolve import rounding
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume
from deepresolve.rendering import drawing, packing, palette
from deepresolve.rendering.packing import eight_bit
from deepresolve.rendering.preview import PLANES, Preview, in_words

_SCRIPTS = ("volume.js", "panel.js", "controls.js", "viewer.js")
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
    yield (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n"
        f"<style>\n{_part('viewer.css')}</style>\n</head>\n<body>\n"
        "<noscript>This page shows its slices by JavaScript.</noscript>\n"
        '<main id="viewer">Unpacking the slices</main>\n'
    )
    facts = _facts(preview, scale)
    yield f'<script type="application/json" id="facts">{facts}</script>\n'
    for name, slices in _volumes(preview, scale).items():
        yield f'<script type="text/plain" id="{name}">'
        yield from packing.pack(slices)
        yield "</script>\n"
    code = "\n".join(_part(name) for name in _SCRIPTS)
    yield f'<script>\n"use strict";\n{code}</script>\n</body>\n</html>\n'


def _volumes(preview: Preview, scale) -> dict[str, Iterator]:
    """What the page holds, slice by slice; labels beside the scan, or a result."""
    volumes = {"scan": (eight_bit(p, scale) for p in _slices(preview.scan))}
    if preview.class_names:
        volumes["labels"] = _slices(preview.result)
    else:
        volumes["result"] = (eight_bit(p, scale) for p in _slices(preview.result))
    return volumes


def _slices(volume: Volume) -> Iterator:
    return (volume.array[:, :, k] for k in range(volume.num_slices))


def _facts(preview: Preview, scale) -> str:
    """JSON that can stand within a script: it closes none, and opens no comment."""
    facts = {
        "title": _title(preview),
        "input": [preview.scan_name, in_words(preview.scan)],
        "output": [preview.result_name, _output_in_words(preview)],
        "shape": preview.result.shape,
        "factor": preview.factor,
        "slice_mm": preview.result.slice_spacing_mm,
        "range": [scale.low, scale.high],
        "window": _window(preview),
        "planes": [_plane(preview, plane) for plane in PLANES],
        "classes": _classes(preview),
    }
    return json.dumps(facts, allow_nan=False).replace("<", "\\u003c")


def _title(preview: Preview) -> str:
    if preview.class_names:
        return "Computed segmentation"
    return f"Computed super-resolution x{preview.factor}"


def _output_in_words(preview: Preview) -> str:
    if preview.class_names:
        return "contours"
    return f"{in_words(preview.result)}, all computed"


def _window(preview: Preview) -> tuple[float, float]:
    """Black and white, as in the figure: of the slices that are shown at first."""
    pairs = (preview.pair(plane, preview.first_shown[plane]) for plane in PLANES)
    low, high = drawing.window([pair.before for pair in pairs])
    if high > low:
        return low, high
    return low, low + 1e-6 * max(abs(low), 1)


def _plane(preview: Preview, plane: str) -> dict:
    cut = preview.cuts[plane]
    return {
        "name": plane,
        "axes": cut.axes,
        "flipped": cut.flipped,
        "pixel_mm": cut.pixel_mm,
        "edges": cut.edges,
        "start": preview.first_shown[plane],
    }


def _classes(preview: Preview) -> list[dict]:
    named = zip(preview.class_names, preview.volumes_mm3(), strict=True)
    classes = []
    for label, (name, volume_mm3) in enumerate(named, start=1):
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


def _part(name: str) -> str:
    folder = importlib.resources.files("deepresolve.rendering").joinpath("viewer")
    return folder.joinpath(name).read_text(encoding="utf-8")
