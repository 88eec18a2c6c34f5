"""The task of classification."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deepresolve.imaging.volume import Volume
from deepresolve.tasks.classification.pairs import ClassificationPairs
from deepresolve.tasks.classification.settings import ClassificationConfig
from deepresolve.tasks.classification.truth import (
    ROI,
    SERIES,
    WHOLE,
    class_weights,
    targets,
)
from deepresolve.tasks.classification.validation import ClassificationValidation
from deepresolve.training.data import TrainingData
from deepresolve.training.trainable import Trainable


class Classification(Trainable[ClassificationConfig]):
    """Grades of a whole scan: learns from scans with scalars."""

    settings = ClassificationConfig
    needs = ("image",)

    def numbers(self, config: ClassificationConfig) -> tuple[str, ...]:
        """The grades."""
        return config.grades

    def only(self, config: ClassificationConfig) -> dict[str, str]:
        """The series and the pieces that the network sees, if not all are."""
        series = {SERIES: config.only_series} if config.only_series else {}
        return series if config.regions == WHOLE else {**series, ROI: config.regions}

    def check_data(self, config: ClassificationConfig, data: TrainingData) -> None:
        """Sees that each output is true of some training scans, and false of others.

        Raises:
          ValueError: it is not, a grade is no whole number or out of range, or whole
            scans are asked for where there are pieces of scans.
        """
        pieces = [of[ROI] for of in data.scalars.values() if ROI in of]
        if config.regions == WHOLE and pieces:
            raise ValueError(
                f"{data.records} holds pieces of scans ({pieces[0]}), and a network of "
                f"whole scans was asked for. Give --regions={pieces[0]}, or records of "
                "whole scans."
            )
        self._weights(config, data)

    def checked_pairs(
        self, config: ClassificationConfig, data: TrainingData
    ) -> ClassificationPairs:
        """Pairs that weigh yes and no as the training scans have them.

        Raises:
          ValueError: no training scan is of the series or the regions that were asked
            for; else as every task's.
        """
        if config.only_series and not data.shapes:
            raise ValueError(
                f"{data.records} has no training scan whose scalar {SERIES!r} is "
                f"{config.only_series!r}. Name another --only_series; --only_series= "
                "learns from all."
            )
        if config.regions != WHOLE and not data.shapes:
            raise ValueError(
                f"{data.records} has no training scan whose scalar {ROI!r} is "
                f"{config.regions!r}. Cut them by `records convert --dataset=rois "
                f"--regions={config.regions}`, or learn from whole scans "
                "(--regions=none)."
            )
        super().checked_pairs(config, data)
        return ClassificationPairs(config, self._weights(config, data))

    def _weights(self, config: ClassificationConfig, data: TrainingData) -> Any:
        known = []
        for subject in data.shapes:
            try:
                known.append(targets(config, data.scalars.get(subject, {})))
            except ValueError as error:
                raise ValueError(
                    f"{data.records}, subject {subject!r}: {error}"
                ) from error
        return class_weights(config, known)

    def pairs(
        self, config: ClassificationConfig, label_names: Mapping[int, str]
    ) -> ClassificationPairs:
        """A scan and its grades, each answer of the same weight."""
        return ClassificationPairs(config)

    def validation(
        self, config: ClassificationConfig, label_names: Mapping[int, str]
    ) -> ClassificationValidation:
        """Areas under ROC curves."""
        return ClassificationValidation(config, label_names)

    def seen(
        self, config: ClassificationConfig, scan: Volume
    ) -> dict[int, list[Volume]]:
        """The scan as it is."""
        return {1: [scan]}

    def provenance(
        self, config: ClassificationConfig, data: TrainingData
    ) -> dict[str, Any]:
        """What each output says."""
        return {"outputs": list(config.outputs)}


TASK = Classification()
