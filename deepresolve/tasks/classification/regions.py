"""A whole scan, cut into pieces where its label map says, and each piece graded."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.spatial import KDTree

from deepresolve.imaging.volume import Volume
from deepresolve.quantification import crops, unrolled
from deepresolve.quantification.knee import KneeMeasures, measure
from deepresolve.quantification.sites import Site
from deepresolve.quantification.thickness_map import on_cartilage
from deepresolve.tasks.classification.predictor import GradePredictor
from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.classification.truth import WHOLE
from deepresolve.tasks.prediction import Row, TableKind
from deepresolve.tasks.trained_run import TrainedRun

KIND = TableKind(
    "grades of regions",
    {
        "label": str,
        "place": str,
        "region": str,
        "probability": float,
        **{"x_mm": float, "y_mm": float, "z_mm": float},
        **{"row": float, "column_mm": float},
    },
)


@dataclasses.dataclass(frozen=True, eq=False)
class GradedRegions:
    """The pieces of one scan, and how probable each grade is in them.

    Attributes:
      regions: "cartilage" or "menisci".
      knee: as its label map was measured.
      label_map: it.
      label_names: what its values mean.
      sites: where the pieces lie.
      probabilities: by grade (sites,) float64, that it is above 0.
    """

    regions: str
    knee: KneeMeasures
    label_map: Volume
    label_names: Mapping[int, str]
    sites: Sequence[Site]
    probabilities: Mapping[str, np.ndarray]

    def rows(self) -> Iterator[Row]:
        """Of `KIND`: a row a grade and piece."""
        for name, found in self.probabilities.items():
            for site, probability in zip(self.sites, found, strict=True):
                place_mm = map(float, site.centre_mm)
                told = (name, site.place, site.region, float(probability))
                yield (*told, *place_mm, site.row, site.column_mm)

    @property
    def summary(self) -> str:
        """One line: of each grade the most probable piece, or each meniscus."""
        return "; ".join(
            f"{name}: {', '.join(self._told(found))}"
            for name, found in self.probabilities.items()
        )

    def _told(self, found: np.ndarray) -> Iterator[str]:
        if self.regions == "menisci":
            for site, probability in zip(self.sites, found, strict=True):
                yield f"{site.place} {probability:.0%}"
            return
        most = int(np.argmax(found))
        site = self.sites[most]
        yield f"{len(found)} pieces, the highest {found[most]:.0%}"
        yield f"{site.region or site.place} at {_millimetres(site.centre_mm)}"

    def on_scan(self, grade: str) -> Volume:
        """Probability on the grid of the label map, of the nearest piece.

        Args:
          grade: one of `probabilities`.

        Returns:
          A float32 Volume: 0 to 1 in the voxels of cartilage, 0 elsewhere.
        """
        of_vertices = self._of_vertices(grade)
        return on_cartilage(self.knee, self.label_map, self.label_names, of_vertices)

    def laid_flat(self, grade: str) -> dict[str, np.ndarray]:
        """Probability on the unrolled plates, of the nearest piece.

        Args:
          grade: one of `probabilities`.

        Returns:
          By plate (rows, columns) float64 on the grid of `unrolled.flatten`; NaN where
          there is no bone.
        """
        return {
            name: unrolled.mean_in_cells(self.knee, name, numbers)
            for name, numbers in self._of_vertices(grade).items()
        }

    def _of_vertices(self, grade: str) -> dict[str, np.ndarray]:
        found = {}
        for name, plate in self.knee.plates.items():
            own = [n for n, site in enumerate(self.sites) if site.place == name]
            centres = plate.bone.vertices[[self.sites[n].vertex for n in own]]
            _, nearest = KDTree(centres).query(plate.bone.vertices)
            found[name] = self.probabilities[grade][own][nearest]
        return found


def _millimetres(point_mm: np.ndarray) -> str:
    return f"({', '.join(f'{mm:.0f}' for mm in point_mm)}) mm"


class RegionGrader:
    """A network that grades pieces of scans, ready for whole ones.

    Args:
      run: that learned from pieces (`ClassificationConfig.regions`).

    Raises:
      ValueError: it learned from whole scans, or is not trained yet.
    """

    def __init__(self, run: TrainedRun):
        config = run.settings(ClassificationConfig)
        if config.regions == WHOLE:
            raise ValueError(
                f"{run.name} grades whole scans. They are graded by `deepresolve "
                "predict`; a run of --preset=cartilage_lesion or meniscus_tear grades "
                "pieces."
            )
        self.regions = config.regions
        self.grades = config.grades
        self._run = run

    @functools.cached_property
    def _predictor(self) -> GradePredictor:
        predictor = self._run.predictor(dtype="float32")
        if not isinstance(predictor, GradePredictor):
            raise TypeError(f"{self._run.name} has a {type(predictor).__name__}.")
        return predictor

    def grade(
        self,
        scan: Volume,
        label_map: Volume,
        label_names: Mapping[int, str],
        side: str = "",
    ) -> GradedRegions:
        """Measures a knee in its label map, cuts the scan into pieces and grades each.

        Args:
          scan: in any orientation and intensity unit.
          label_map: of the same knee, in the same world, on any grid.
          label_names: what its values mean.
          side: "right" or "left", where no label says which side is medial.

        Raises:
          ValueError: the label map cannot be measured or has nothing to cut, or a piece
            has no signal: the label map does not lie on the scan.
        """
        knee = measure(label_map, label_names, known_side=side)
        kind = crops.KINDS[self.regions]
        sites = kind.find(knee, label_map, label_names)
        if not sites:
            raise ValueError(
                f"The label map has no {self.regions} whose side is known; it has "
                f"{', '.join(label_names.values())}."
            )
        found: dict[str, list[float]] = {name: [] for name in self.grades}
        for site in sites:
            piece = crops.cut(scan, site, kind)
            for grade in self._predictor.grades(piece):
                found[grade.name].append(grade.probability)
        probabilities = {name: np.array(of) for name, of in found.items()}
        return GradedRegions(
            self.regions, knee, label_map, label_names, sites, probabilities
        )
