"""From a scan to rows of tables: its grades, and the slices that decided."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from deepresolve.imaging import slice_grid
from deepresolve.imaging.volume import Volume
from deepresolve.quantification.crops import KINDS
from deepresolve.tasks.classification import findings
from deepresolve.tasks.classification.classifier import Classifier
from deepresolve.tasks.classification.options import Options
from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.classification.truth import WHOLE
from deepresolve.tasks.findings import Section
from deepresolve.tasks.grades import Answer, Grade
from deepresolve.tasks.options import SPREAD_NOT_ASKED, Dtype
from deepresolve.tasks.prediction import Grades, Prediction, Row, TableKind

if TYPE_CHECKING:
    from deepresolve.tasks.trained_run import TrainedRun

GRADES, SLICES, SPREAD = "grades", "slice_grades", "spread"
_NOT_OF_GRADES = Section(
    {"measured": False, "why": "grades are numbers; there is no image to compare"}
)


class GradePredictor:
    """A network for classification as a `Predictor`.

    Args:
      classifier: the network.
      measure_spread: also grade the mirror image of each scan, and tell the difference
        in the report: twice the time.
    """

    title = "graded scan"
    kind = Grades()
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

    def __init__(self, classifier: Classifier, *, measure_spread: bool = False):
        self._classifier = classifier
        self._measures_spread = measure_spread
        self._config = classifier.config
        self.activation = classifier.activation

    def predict(self, scan: Volume, *, progress: bool = False) -> Prediction:
        """The grades of a scan.

        Args:
          scan: in any orientation and intensity unit; whole, or a piece of one where
            the network learned from pieces.
          progress: shows nothing: it takes a moment.

        Returns:
          Grades, and tables of them: "grades", a row a grade, and "slice_grades", what
          the network would say of each slice alone.

        Raises:
          ValueError: voxels that are not finite or all alike, or a whole scan for a
            network that grades pieces.
        """
        found = self.grades(scan)
        rows = [(g.name, g.value, g.probability, g.slice) for g in found]
        tables: dict[str, Sequence[Row]] = {
            GRADES: rows,
            SLICES: sorted(row for grade in found for row in _of_slices(grade)),
        }
        report = dict.fromkeys(("consistency", "undershoot"), _NOT_OF_GRADES)
        report[GRADES] = findings.grades(found)
        report[SPREAD] = self._spread(scan, found)
        summary = _summary(found)
        return Prediction(self.kind, {}, report, summary, tables, grades=found)

    def grades(self, scan: Volume) -> list[Grade]:
        """The grades of a scan, without what is told of them.

        Args:
          scan: as `predict` takes it.

        Raises:
          ValueError: as `predict`.
        """
        if self._config.regions != WHOLE:
            KINDS[self._config.regions].check(scan)
        return [Grade(name, answers) for name, answers in self._answers(scan).items()]

    def _spread(self, scan: Volume, found: list[Grade]) -> Section:
        if not self._measures_spread:
            return Section(SPREAD_NOT_ASKED)
        canonical = scan.canonical()
        mirrored = canonical.with_array(canonical.array[:, ::-1])
        of_mirror = {
            name: [answer.probability for answer in answers]
            for name, answers in self._answers(mirrored).items()
        }
        return findings.mirror_spread(found, of_mirror)

    def _answers(self, scan: Volume) -> Mapping[str, tuple[Answer, ...]]:
        """By grade, whether it is above each value but the highest."""
        answers = self._classifier.answers(scan.canonical())
        own = slice_grid.canonical_numbers(scan)
        by_grade: dict[str, tuple[Answer, ...]] = {}
        for n, (name, value) in enumerate(self._config.steps):
            look = functools.partial(
                self._classifier.on_scan, answers.activation[..., n], scan
            )
            answer = Answer(
                f"{name} above {value}",
                float(answers.probabilities[n]),
                answers.of_slices[own, n],
                look,
            )
            by_grade[name] = (*by_grade.get(name, ()), answer)
        return by_grade


def _of_slices(grade: Grade) -> Iterator[tuple[str, int, float]]:
    """Of each slice, the probability that the grade is above 0."""
    for number, probability in enumerate(grade.answers[0].of_slices):
        yield grade.name, number, float(probability)


def _summary(grades: list[Grade]) -> str:
    return ", ".join(
        f"{g.name} {g.value} ({g.probability:.0%}, slice {g.slice})" for g in grades
    )


def load(run: TrainedRun, options: Options) -> GradePredictor:
    """The network of a run.

    Raises:
      ValueError: not trained yet, or a volume of the spread is asked for.
    """
    if options.spread == "volume":
        raise ValueError(
            "--spread=volume: a grade is a number, and its spread no volume. Give "
            "--spread=report."
        )
    config = run.settings(ClassificationConfig)
    classifier = Classifier(run.network(options.dtype), config)
    return GradePredictor(classifier, measure_spread=options.spread == "report")


def choose_dtype(*, alone: bool) -> tuple[Dtype, str]:
    """What to compute in where nobody said, fast and safe; and why.

    Args:
      alone: whether this process does the work, which makes no difference here.
    """
    return "float32", "the networks are small"
