"""Charts on white: panels in rows, and colours for all kinds of colour vision."""

from __future__ import annotations

import math
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# From Okabe and Ito's palette.
BLUE, ORANGE = "#0072b2", "#d55e00"
GREY = "#808080"
# Of one panel, in this order.
CURVES = (BLUE, ORANGE, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")


def figure_of(
    num_panels: int,
    num_columns: int,
    panel_inches: tuple[float, float],
    share: bool | Literal["row"] = False,
) -> tuple[Figure, list[Axes]]:
    """So many panels (width, height), which share no scale or those of their row."""
    columns = min(num_columns, num_panels)
    rows = math.ceil(num_panels / columns)
    width, height = panel_inches
    figure = Figure(figsize=(columns * width, rows * height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(
        figure.subplots(rows, columns, sharex=share, sharey=share, squeeze=False).flat
    )
    for unused in panels[num_panels:]:
        unused.remove()
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels[:num_panels]
