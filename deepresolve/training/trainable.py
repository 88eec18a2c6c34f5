"""What a task is to a training."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from deepresolve.config import Config
from deepresolve.imaging.volume import Volume
from deepresolve.pipeline.pairs import Pairs
from deepresolve.training.data import TrainingData, check_patches, check_volumes
from deepresolve.training.validation import Validation

_Config = TypeVar("_Config", bound=Config)


class Trainable(abc.ABC, Generic[_Config]):
    """The part of a task that trainings ask; `deepresolve.config.tasks` names the rest.

    Attributes:
      settings: its subclass of `Config`.
      needs: names of the arrays of a record that training asks for.
    """

    settings: type[_Config]
    needs: ClassVar[tuple[str, ...]]

    @property
    def name(self) -> str:
        """Its name in `TASKS` and in a config."""
        return self.settings.task

    def checked_pairs(self, config: _Config, data: TrainingData) -> Pairs:
        """How training pairs are made of these records, which were seen to do.

        Raises:
          ValueError: there are no volumes, one is smaller than a patch, or all is air;
            or they lack what the task needs.
        """
        check_volumes(data)
        self.check_data(config, data)
        pairs = self.pairs(config, data.label_names)
        check_patches(pairs, data)
        return pairs

    @abc.abstractmethod
    def check_data(self, config: _Config, data: TrainingData) -> None:
        """Sees that records can be learned from as the config asks.

        Raises:
          ValueError: they lack what the task needs.
        """

    @abc.abstractmethod
    def pairs(self, config: _Config, label_names: Mapping[int, str]) -> Pairs:
        """How training pairs are made.

        Args:
          config: the run.
          label_names: what each label value of the records means; empty without.

        Raises:
          ValueError: the labels are not those that the config asks for.
        """

    @abc.abstractmethod
    def validation(self, config: _Config, label_names: Mapping[int, str]) -> Validation:
        """How a run is validated.

        Args:
          config: the run.
          label_names: what each label value of the records means; empty without.
        """

    @abc.abstractmethod
    def seen(self, config: _Config, scan: Volume) -> Mapping[int, Sequence[Volume]]:
        """A training scan as the network is given it, by downsample factor.

        Args:
          config: the run.
          scan: as the records hold it.

        Returns:
          One volume or, where what is given varies, those that it lies between. Of
          the factors 1 stands for a scan as it is.
        """

    def numbers(self, config: _Config) -> tuple[str, ...]:
        """Scalars of a record that training asks for; one may lack some (NaN)."""
        return ()

    def only(self, config: _Config) -> Mapping[str, str]:
        """Text scalars of the records that the run learns from; all where none."""
        return {}

    def provenance(self, config: _Config, data: TrainingData) -> dict[str, Any]:
        """What a start of a run is to be remembered by, as JSON values."""
        return {}
