"""What `lesions` writes of each scan: rows of a table, maps of probability, figures.

The rows of a scan reach the table after its files, so that what is in the table has
them.
"""

from __future__ import annotations

import contextlib
import pathlib

from deepresolve.imaging import formats
from deepresolve.imaging.labels import slug
from deepresolve.prediction import scan_tables
from deepresolve.quantification import unrolled
from deepresolve.reports import score_figure
from deepresolve.system import files
from deepresolve.tasks.classification.regions import KIND, GradedRegions

TABLE_FILE = "lesions.csv"


def write(folder: pathlib.Path, name: str, graded: GradedRegions) -> None:
    """Writes the files of one scan, and its rows in the place of earlier ones.

    Along the cartilage they are, of each grade, NAME_GRADE.nii.gz, the probability in
    the voxels of cartilage, and NAME_GRADE.png, on the plates laid flat.

    Args:
      folder: that they go to; of scans in folders, into such folders within.
      name: of the scan.
      graded: it.

    Raises:
      ValueError: the table there is another one.
      OSError: the disk is full, or the folder cannot be written to.
    """
    if graded.regions == "cartilage":
        for grade in graded.probabilities:
            _write_maps(folder / f"{name}_{slug(grade)}", name, graded, grade)
    rows = [(name, *row) for row in graded.rows()]
    scan_tables.add(folder / TABLE_FILE, KIND, rows)


def _write_maps(
    start: pathlib.Path, name: str, graded: GradedRegions, grade: str
) -> None:
    """Both maps of a grade, or none."""
    knee = graded.knee
    flat = [unrolled.flatten(knee, plate) for plate in knee.plates]
    which = f"{name}, {knee.side} knee" if knee.side else name
    figure = score_figure.draw(
        flat, graded.laid_flat(grade), grade, f"{which}: {grade}", knee.notes
    )
    start.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        target = start.with_name(f"{start.name}.png")
        stack.enter_context(files.replacing(target)).write_bytes(figure)
        formats.write(start.with_name(f"{start.name}.nii.gz"), graded.on_scan(grade))
