r"""Draws docs/one_scan.png: a real knee of thick slices, and its computed thin ones.

    python benchmarks/one_scan.py --data=DIR --output=docs/one_scan.png [--minutes=5]

The first echo of the multi-echo knee (sample of gattia/pymskt, MIT licence): sagittal
slices 3 mm thick, 4 mm apart, looked at from the front and from below; as they were
acquired, interpolated, and learned from themselves. The packaged network that learning
begins with has seen this knee, within its slices: the picture shows what is to be
expected, benchmarks/self_sr.py measures it.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.system import entry, path_flags

if TYPE_CHECKING:
    import numpy as np

    from deepresolve.imaging.volume import Volume

FLAGS = flags.FLAGS

# Rows of each plane that hold the joint, as shares of all.
_PLANES = {"coronal": (0.30, 0.74), "axial": (0.24, 0.84)}
_WHERE = 0.5

path_flags.define("output", None, "The PNG file.")
path_flags.define(
    "data",
    os.environ.get("DEEPRESOLVE_DATA"),
    "Folder of the real scans; by default the environment's DEEPRESOLVE_DATA.",
)
flags.DEFINE_float("minutes", 5.0, "How long to learn from the scan.")
flags.mark_flag_as_required("output")


@dataclasses.dataclass(frozen=True, eq=False)
class Panel:
    """One slice of one volume, as `reports.layout.Slice`."""

    pixels: np.ndarray
    pixel_mm: tuple[float, float]
    edges: tuple[str, str, str, str]

    @property
    def size_mm(self) -> tuple[float, float]:
        """Height and width in mm."""
        rows, columns = self.pixels.shape
        return rows * self.pixel_mm[0], columns * self.pixel_mm[1]


def panel(volume: Volume, plane: str) -> Panel:
    """The middle slice of a plane, of it the rows of the joint."""
    from deepresolve.reports.cuts import edge_letters

    turned = volume.in_plane(plane)
    first, last = (round(share * turned.shape[0]) for share in _PLANES[plane])
    pixels = turned.array[first:last, :, int(_WHERE * turned.num_slices)]
    return Panel(pixels, turned.spacing_mm[:2], edge_letters(turned.orientation))


def cubic(scan: Volume, thin: Volume) -> Volume:
    """A cubic spline through acquired slices, where the thin ones lie."""
    from deepresolve.imaging.degradation import along_slices, cubic_matrix
    from deepresolve.imaging.slice_grid import positions

    matrix = cubic_matrix(scan.num_slices, positions(scan, thin))
    return thin.with_array(along_slices(matrix, scan.array, scan.slice_axis))


def draw(volumes: dict[str, Volume]) -> bytes:
    """A row a plane, a column a volume, all to one scale: a PNG file."""
    from deepresolve.reports import drawing, layout

    margins = layout.Margins(left=40, top=44, bottom=12)
    rows = [[panel(volume, plane) for volume in volumes.values()] for plane in _PLANES]
    figure, all_axes = layout.rows_to_scale(rows, margins, row_gap=8)
    for plane, panels, row in zip(_PLANES, rows, all_axes, strict=True):
        limits = drawing.window([panels[-1].pixels])
        for shown, axes in zip(panels, row, strict=True):
            drawing.draw(axes, shown.pixels, shown, cmap="gray", limits=limits)
            drawing.letter_edges(axes, shown)
        drawing.name_row(figure, row[0], plane.capitalize(), margins)
        drawing.scale_bar(row[0], panels[0])
    drawing.name_columns(all_axes[0], list(volumes))
    return drawing.png(figure)


def run() -> None:
    """Reads, learns, draws."""
    from deepresolve import api
    from deepresolve.imaging import formats
    from deepresolve.imaging.formats.choice import Choice

    folder = pathlib.Path(FLAGS.data) / "knee_mese_dicom"
    scan = formats.read_image(folder, choice=Choice(None, 1, None))
    options = {"learn": "scan", "minutes": FLAGS.minutes, "output_dtype": "float32"}
    found = api.predict(scan, **options)
    thin = found.image
    volumes = {
        f"acquired: {scan.num_slices} slices, {scan.slice_spacing_mm:.3g} mm": scan,
        "cubic interpolation": cubic(scan, thin),
        f"computed: {thin.num_slices} slices, {thin.slice_spacing_mm:.3g} mm": thin,
    }
    pathlib.Path(FLAGS.output).write_bytes(draw(volumes))
    print(found.summary, FLAGS.output, sep="\n")


if __name__ == "__main__":
    entry.launch(run)
