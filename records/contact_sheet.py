"""One picture of a set of shards: the middle slice of every subject."""

from __future__ import annotations

import io
import math

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tqdm import tqdm

from records import manifest, reader, storage
from records.stored import StoredSubject

_PANEL_INCHES = 2.2
_CAPTION_INCHES = 0.45
_DPI = 100
_MAX_COLUMNS = 8


def draw(records_dir: str, path: str, *, max_subjects: int) -> int:
    """Draws the middle slices, label outlines on them, and writes a PNG.

    Args:
      records_dir: folder of the shards.
      path: of the PNG.
      max_subjects: with more, this many are drawn, evenly spaced in the manifest.

    Returns:
      Number of subjects drawn.

    Raises:
      FileNotFoundError, ValueError: the shards cannot be read.
      OSError: the picture cannot be written.
    """
    if max_subjects < 1:
        raise ValueError(f"max_subjects must be 1 or more; got {max_subjects}.")
    described = manifest.load(records_dir)
    total = sum(described.counts.values())
    count = min(total, max_subjects)
    chosen = set(np.linspace(0, total - 1, count).round().astype(int).tolist())
    figure, panels = _empty_sheet(count)
    drawn = 0
    for place, (split, stored) in enumerate(_all_subjects(records_dir, described)):
        if place in chosen:
            _draw_subject(panels[drawn], stored, split)
            drawn += 1
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DPI)
    storage.write(path, buffer.getvalue())
    return drawn


def _all_subjects(records_dir: str, described: manifest.Manifest):
    for shard in tqdm(described.all_shards, "draw", unit="shard", disable=None):
        for stored in reader.read_shard(records_dir, described, shard):
            yield shard.split, stored


def _empty_sheet(count: int) -> tuple[Figure, list[Axes]]:
    columns = min(math.ceil(math.sqrt(count)), _MAX_COLUMNS)
    rows = math.ceil(count / columns)
    size = (columns * _PANEL_INCHES, rows * (_PANEL_INCHES + _CAPTION_INCHES))
    figure = Figure(figsize=size, facecolor="black", layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for panel in panels:
        panel.set_axis_off()
    return figure, panels


def _draw_subject(panel: Axes, stored: StoredSubject, split: str) -> None:
    middle = stored.image.num_slices // 2
    row_mm, column_mm, _ = stored.image.spacing_mm
    panel.imshow(
        stored.image.array[:, :, middle],
        cmap="gray",
        vmin=stored.scale.low,
        vmax=stored.scale.high,
        aspect=row_mm / column_mm,
        interpolation="nearest",
    )
    if stored.label is not None:
        _outline(panel, stored.label.array[:, :, middle])
    side = "" if stored.side == "unknown" else f", {stored.side}"
    panel.set_title(
        f"{_shortened(stored.subject)}\n{split}{side}", fontsize=8, color="white"
    )


def _outline(panel: Axes, labels: np.ndarray) -> None:
    """One closed line around each label, of its own colour."""
    palette = colormaps["tab10"].colors
    for value in np.unique(labels[labels > 0]).tolist():
        panel.contour(
            labels == value,
            levels=[0.5],
            colors=[palette[(value - 1) % len(palette)]],
            linewidths=0.6,
        )


def _shortened(name: str, length: int = 28) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"
