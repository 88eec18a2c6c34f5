"""What `measure --maps` writes of each knee: a map on the scan, a figure, meshes.

All files of a knee appear together, or none does. The table of cells is the last to get
its name; it holds the fingerprint of what was measured, so a command that goes on where
another was interrupted knows which maps are there.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import pathlib
from collections.abc import Iterator, Sequence

from deepresolve.imaging import formats
from deepresolve.prediction.measured_map import Measured
from deepresolve.quantification import meshes, unrolled
from deepresolve.quantification.knee import PLATES, KneeMeasures
from deepresolve.quantification.thickness_map import thickness_map
from deepresolve.reports import thickness_figure
from deepresolve.system import files, wording

_SURFACES = {"bone": meshes.bone, "articular": meshes.articular}


@dataclasses.dataclass(frozen=True)
class MapFiles:
    """The files of each knee, by its name in the table. It pickles.

    Attributes:
      folder: that they go to; of knees in folders, into such folders within.
      mesh_formats: of `meshes.FORMATS`.
    """

    folder: pathlib.Path
    mesh_formats: tuple[str, ...]

    def are_of(self, name: str, path: pathlib.Path, fingerprint: str) -> bool:
        """Whether all files of a knee are there, and of what has that fingerprint.

        Args:
          name: of the knee.
          path: of its label map.
          fingerprint: what its numbers follow from.
        """
        table = self._path(name, "unrolled.csv")
        if not table.exists():
            return False
        with table.open(encoding="utf-8", newline="") as file:
            rows = [(row["plate"], row["fingerprint"]) for row in csv.DictReader(file)]
        wanted = [self._path(name, end) for end in ("thickness.nii.gz", "unrolled.png")]
        for plate in {plate for plate, _ in rows}:
            wanted += self._meshes(name, plate, self.mesh_formats)
        known = {told for _, told in rows}
        return known == {fingerprint} and all(path.exists() for path in wanted)

    def write(self, name: str, measured: Measured) -> None:
        """Writes the files of one knee: all of them, or none.

        Meshes that an earlier label map of that name had, of plates or of kinds that
        are not written now, are deleted.

        Args:
          name: of the knee.
          measured: it.

        Raises:
          OSError: the disk is full, or the folder cannot be written to.
        """
        knee = measured.knee
        on_scan = thickness_map(knee, measured.label_map, measured.label_names)
        contents = dict(self._contents(name, knee, measured.fingerprint))
        folder = self._path(name, "").parent
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            # They get their names when the stack ends, the first one last.
            for path, content in contents.items():
                stack.enter_context(files.replacing(path)).write_bytes(content)
            formats.write(self._path(name, "thickness.nii.gz"), on_scan)
        for plate in PLATES.values():
            for path in self._meshes(name, plate, tuple(meshes.FORMATS)):
                if path not in contents:
                    path.unlink(missing_ok=True)

    def _contents(
        self, name: str, knee: KneeMeasures, fingerprint: str
    ) -> Iterator[tuple[pathlib.Path, bytes]]:
        """Path and bytes of each file but the map."""
        flat = [unrolled.flatten(knee, plate) for plate in knee.plates]
        table = unrolled.to_csv(flat, name, fingerprint)
        yield self._path(name, "unrolled.csv"), table.encode()
        headline = thickness_figure.headline_of(name, knee.side)
        figure = thickness_figure.draw(flat, headline, knee.notes)
        yield self._path(name, "unrolled.png"), figure
        for plate in knee.plates:
            for kind, surface in _SURFACES.items():
                mesh = surface(knee, plate)
                thickness, covered = (
                    mesh.scalars["thickness_mm"],
                    mesh.scalars["covered"],
                )
                colours = thickness_figure.rgb(thickness, covered == 1)
                mesh = mesh._replace(colours=colours)
                for ending in self.mesh_formats:
                    path = self._path(name, f"{plate}_{kind}.{ending}")
                    yield path, meshes.FORMATS[ending](mesh)

    def _meshes(
        self, name: str, plate: str, endings: Sequence[str]
    ) -> list[pathlib.Path]:
        return [
            self._path(name, f"{plate}_{kind}.{ending}")
            for kind in _SURFACES
            for ending in endings
        ]

    def _path(self, name: str, ending: str) -> pathlib.Path:
        return self.folder / f"{name}_{ending}"


def plan(folder: str, mesh_formats: Sequence[str], source: str) -> MapFiles:
    """Where maps go.

    Args:
      folder: what --maps named.
      mesh_formats: what --mesh_format named.
      source: what --input named.

    Raises:
      ValueError: an unknown kind of mesh, or a folder among the label maps or on
        another machine.
      OSError: nothing can be written there.
    """
    unknown = [name for name in mesh_formats if name not in meshes.FORMATS]
    if unknown or not mesh_formats:
        raise ValueError(
            f"--mesh_format={','.join(mesh_formats)}: expected "
            f"{wording.either(list(meshes.FORMATS), ' and ')}, or some of them."
        )
    if "://" in folder:
        raise ValueError(f"--maps={folder}: maps go to a folder of this machine.")
    within, root = (pathlib.Path(path).resolve() for path in (folder, source))
    if root.is_dir() and within.is_relative_to(root):
        raise ValueError(
            f"--maps={folder} lies within --input={source}, where the next command "
            "would take maps for label maps. Name a folder beside it."
        )
    files.check_folder(pathlib.Path(folder))
    return MapFiles(pathlib.Path(folder), tuple(mesh_formats))
