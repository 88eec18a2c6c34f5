"""From a scan to rows of tables: its grades, and the slices that decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from deepresolve.imaging.volume import Volume
from deepresolve.quantification.crops import KINDS
from deepresolve.tasks.classification.classifier import Answers, Classifier
from deepresolve.tasks.classification.options import Options
from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.classification.truth import WHOLE
from deepresolve.tasks.findings import Section, digits
from deepresolve.tasks.options import Dtype
from deepresolve.tasks.prediction import Prediction, Row, TableKind

if TYPE_CHECKING:
    from deepresolve.tasks.trained_run import TrainedRun

GRADES, SLICES = "grades", "slice_grades"
# An output is true where it is more probable than not.
_THRESHOLD = 0.5
_NOT_OF_GRADES = Section(
    {"measured": False, "why": "grades are numbers; there is no image to compare"}
)


class Grade(NamedTuple):
    """What is found of one grade.

    Attributes:
      name: of the grade.
      grade: how many of its steps are more probable than not (Niu, CVPR 2016).
      probability: that it is above 0.
      slice: the slice that says so most, counted from 0 along the scan's own axis.
    """

    name: str
    grade: int
    probability: float
    slice: int


class GradePredictor:
    """A network for classification as a `Predictor`.

    Args:
      classifier: the network.
    """

    title = "graded scan"
    kind = None
    volume_names = ()
    tables: ClassVar = {
        GRADES: TableKind(
            "grades", {"label": str, "grade": int, "probability": float, "slice": int}
        ),
        SLICES: TableKind(
            "grades of slices", {"label": str, "slice": int, "probability": float}
        ),
    }
    training_factor = None
    announcement = ""
    memory_advice = "A run with a smaller --patch_shape needs less."

    def __init__(self, classifier: Classifier):
        self._classifier = classifier
        self._config = classifier.config
        self.activation = classifier.activation

    def predict(self, scan: Volume, *, progress: bool = False) -> Prediction:
        """The grades of a scan.

        Args:
          scan: in any orientation and intensity unit; whole, or a piece of one where
            the network learned from pieces.
          progress: shows nothing: it takes a moment.

        Returns:
          Tables alone: "grades", a row a grade, and "slice_grades", what the network
          would say of each slice alone. `activation` gives the places as volumes.

        Raises:
          ValueError: voxels that are not finite or all alike, or a whole scan for a
            network that grades pieces.
        """
        if self._config.regions != WHOLE:
            KINDS[self._config.regions].check(scan)
        answers = self._classifier.answers(scan.canonical())
        places = _slice_numbers(scan)
        grades = list(_grades(self._config, answers, places))
        of_slices = [
            (name, place, float(answers.of_slices[n, output]))
            for name, output in _first_outputs(self._config)
            for n, place in enumerate(places)
        ]
        told = {grade.name: grade._asdict() for grade in grades}
        for values in told.values():
            values["probability"] = digits(values["probability"])
        report = dict.fromkeys(("consistency", "spread", "undershoot"), _NOT_OF_GRADES)
        report[GRADES] = Section(told)
        tables: dict[str, Sequence[Row]] = {GRADES: grades, SLICES: sorted(of_slices)}
        return Prediction(None, {}, report, _summary(grades), tables)


def _grades(
    config: ClassificationConfig, answers: Answers, places: list[int]
) -> Iterator[Grade]:
    for name, output in _first_outputs(config):
        outputs = slice(output, output + config.grade_counts[name] - 1)
        above = answers.probabilities[outputs] > _THRESHOLD
        decided = places[int(np.argmax(answers.of_slices[:, output]))]
        probability = float(answers.probabilities[output])
        yield Grade(name, int(np.count_nonzero(above)), probability, decided)


def _first_outputs(config: ClassificationConfig) -> Iterator[tuple[str, int]]:
    """Of each grade, the output that says that it is above 0."""
    for number, (name, value) in enumerate(config.steps):
        if value == 0:
            yield name, number


def _slice_numbers(scan: Volume) -> list[int]:
    """Of each slice of the canonical scan, its number in the scan's own axes."""
    canonical = scan.canonical()
    numbers = np.broadcast_to(np.arange(canonical.num_slices), canonical.shape)
    own = canonical.with_array(numbers).restored_as(scan).array
    first = np.moveaxis(own, scan.slice_axis, -1)[0, 0]  # canonical number of each
    return np.argsort(first).tolist()


def _summary(grades: list[Grade]) -> str:
    return ", ".join(
        f"{g.name} {g.grade} ({g.probability:.0%}, slice {g.slice})" for g in grades
    )


def load(run: TrainedRun, options: Options) -> GradePredictor:
    """The network of a run.

    Raises:
      ValueError: not trained yet.
    """
    config = run.settings(ClassificationConfig)
    return GradePredictor(Classifier(run.network(options.dtype), config))


def choose_dtype(*, alone: bool) -> tuple[Dtype, str]:
    """What to compute in where nobody said, fast and safe; and why.

    Args:
      alone: whether this process does the work, which makes no difference here.
    """
    return "float32", "the networks are small"
