"""One picture of a set of shards: a slice of every subject, its labels outlined."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deepresolve.imaging.labels import count_values
from deepresolve.reports import figure_style
from deepresolve.system import storage
from records.stored import StoredSubject

_PANEL_INCHES = 2.2
_CAPTION_INCHES = 0.45
_LEGEND_LINE_INCHES = 0.2
_DPI = 150
_MAX_COLUMNS = 8
_LINE_POINTS = 0.6
# Of labels 1, 2, ... and then from the start: bright on grey, each unlike the others.
_COLOURS = (
    *("#ff4d4d", "#4d88ff", "#ffe14d", "#ff66ff", "#66ffcc", "#ff9933"),
    *("#a080ff", "#80ff4d", "#e6c8ff", "#c8a165", "#00c8c8", "#ff80aa"),
)


class ContactSheet:
    """Takes the subjects one after another and draws some or all of them.

    The slice is the middle one; of a labelled scan, the one that shows most of its
    labels.

    Args:
      num_subjects: how many there will be.
      label_names: name by label value, for the legend; empty without label maps.
      max_subjects: with more, this many are drawn, evenly spaced.

    Raises:
      ValueError: there are no subjects, or none may be drawn.
    """

    @figure_style.own
    def __init__(
        self, num_subjects: int, label_names: Mapping[int, str], *, max_subjects: int
    ):
        if num_subjects < 1:
            raise ValueError("There are no subjects to draw.")
        if max_subjects < 1:
            raise ValueError(f"max_subjects must be 1 or more; got {max_subjects}.")
        places = np.linspace(0, num_subjects - 1, min(num_subjects, max_subjects))
        self._chosen = set(places.round().astype(int).tolist())
        self._num_seen = 0
        self._figure, panels = _empty_sheet(len(self._chosen), label_names)
        self._panels = iter(panels)

    @property
    def num_drawn(self) -> int:
        """Number of subjects drawn when all have been added."""
        return len(self._chosen)

    @figure_style.own
    def add(self, stored: StoredSubject, split: str) -> None:
        """Draws the next subject, if it is one of those that are chosen."""
        if self._num_seen in self._chosen:
            _draw_subject(next(self._panels), stored, split)
        self._num_seen += 1

    @figure_style.own
    def save(self, path: str) -> None:
        """Writes the picture as PNG.

        Raises:
          OSError: it cannot be written.
        """
        buffer = io.BytesIO()
        self._figure.savefig(buffer, format="png", dpi=_DPI)
        storage.write(path, buffer.getvalue())


def slice_to_show(label: np.ndarray) -> int:
    """The slice that shows most of the labels.

    Each label counts for the share of its voxels that lie in a slice, so that thin
    cartilage counts as much as bone.

    Args:
      label: (rows, columns, slices) uint8.

    Returns:
      Its index; the middle one where nothing is labelled.
    """
    by_slice = np.stack([count_values(plane) for plane in np.moveaxis(label, 2, 0)])
    by_slice = by_slice[:, 1:]  # without background
    totals = by_slice.sum(axis=0)
    if not totals.any():
        return label.shape[2] // 2
    return int((by_slice / np.maximum(totals, 1)).sum(axis=1).argmax())


def _empty_sheet(
    count: int, label_names: Mapping[int, str]
) -> tuple[Figure, list[Axes]]:
    columns = min(math.ceil(math.sqrt(count)), _MAX_COLUMNS)
    rows = math.ceil(count / columns)
    legend_lines = math.ceil(len(label_names) / columns)
    height = rows * (_PANEL_INCHES + _CAPTION_INCHES)
    height += legend_lines * _LEGEND_LINE_INCHES
    figure = Figure((columns * _PANEL_INCHES, height), facecolor="black")
    figure.set_layout_engine("constrained", h_pad=0.12)
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for panel in panels:
        panel.set_axis_off()
    if label_names:
        _add_legend(figure, label_names, columns)
    return figure, panels


def _add_legend(figure: Figure, label_names: Mapping[int, str], columns: int) -> None:
    lines = [
        Line2D([], [], color=_colour(value), label=f"{value} {_shortened(name, 24)}")
        for value, name in label_names.items()
    ]
    figure.legend(
        handles=lines,
        loc="outside lower center",
        ncols=columns,
        fontsize=8,
        frameon=False,
        labelcolor="linecolor",
    )


def _draw_subject(panel: Axes, stored: StoredSubject, split: str) -> None:
    label = None if stored.label is None else stored.label.array
    shown = stored.image.num_slices // 2 if label is None else slice_to_show(label)
    row_mm, column_mm, _ = stored.image.spacing_mm
    panel.imshow(
        stored.image.array[:, :, shown],
        cmap="gray",
        vmin=stored.scale.low,
        vmax=stored.scale.high,
        aspect=row_mm / column_mm,
        interpolation="antialiased",  # The slice may have more pixels than the panel.
    )
    if label is not None:
        _outline(panel, label[:, :, shown])
    side = "" if stored.side == "unknown" else f", {stored.side}"
    panel.set_title(
        f"{_shortened(stored.subject, 28)}\n{split}{side}", fontsize=8, color="white"
    )


def _outline(panel: Axes, labels: np.ndarray) -> None:
    """A closed line around each label, of the label's own colour.

    Where two labels touch, the line of the smaller one stays on top: cartilage, not
    bone.
    """
    sizes = count_values(labels)
    found = np.flatnonzero(sizes[1:]) + 1
    for value in sorted(found.tolist(), key=lambda value: -sizes[value]):
        panel.contour(
            labels == value,
            levels=[0.5],
            colors=[_colour(value)],
            linewidths=_LINE_POINTS,
        )


def _colour(value: int) -> str:
    """The colour of a label."""
    return _COLOURS[(value - 1) % len(_COLOURS)]


def _shortened(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"
