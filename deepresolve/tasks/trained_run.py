"""A run that was trained: what everybody needs of it, read once."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, TypeVar

import keras

from deepresolve import networks
from deepresolve.config import Config
from deepresolve.config.tasks import TASKS, part
from deepresolve.imaging.volume import Volume
from deepresolve.networks.model import Model
from deepresolve.runs import pretrained, training_set
from deepresolve.runs.training_set import TrainingSet
from deepresolve.runs.workdir import Workdir
from deepresolve.system import hardware
from deepresolve.tasks.options import Dtype, Options
from deepresolve.tasks.prediction import Prediction, Predictor

_Config = TypeVar("_Config", bound=Config)

_PRECISIONS = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


@dataclasses.dataclass(frozen=True, eq=False)
class TrainedRun:
    """The config, the weights and the training set of a run.

    Attributes:
      name: the workdir as the user names it: a folder, or "pretrained:NAME".
      workdir: the folder.
      checkpoint: "best" (validation score) or "last".
      config: of the run.
    """

    name: str
    workdir: Workdir
    checkpoint: str
    config: Config

    @classmethod
    def open(cls, workdir: str, checkpoint: str = "best") -> TrainedRun:
        """Reads the config of a run; all else is read when it is first asked for.

        Args:
          workdir: folder of the run, or "pretrained:NAME".
          checkpoint: "best" (validation score) or "last".

        Raises:
          ValueError: there is no run, or one of a version or a task that is not known.
        """
        if checkpoint not in ("best", "last"):
            raise ValueError(
                "A checkpoint is 'best' (by validation score) or 'last'; got "
                f"{checkpoint!r}."
            )
        folder = Workdir(workdir)
        return cls(str(workdir), folder, checkpoint, folder.load_config())

    @functools.cached_property
    def model_sha256(self) -> str:
        """SHA-256 of the file of the weights, in hexadecimal."""
        return self.workdir.model_sha256(self.checkpoint)

    @functools.cached_property
    def training_set(self) -> TrainingSet | None:
        """What it was trained on; None where an older version trained it.

        Raises:
          ValueError: the file is damaged.
        """
        return training_set.load(self.workdir)

    @property
    def about(self) -> str | None:
        """What a network of the package is and is not fit for; None of any other."""
        if not pretrained.is_pretrained(self.name):
            return None
        return pretrained.describe(self.name.removeprefix(pretrained.PREFIX))

    def settings(self, kind: type[_Config]) -> _Config:
        """The config of a run of one task.

        Args:
          kind: the task's subclass of `Config`.

        Raises:
          ValueError: the run learned another task.
        """
        if not isinstance(self.config, kind):
            raise ValueError(
                f"{self.name} holds a network for {self.config.task}; expected one for "
                f"{kind.task}."
            )
        return self.config

    def network(self, dtype: str = "float32") -> keras.Model:
        """The trained network, computing in `dtype` whatever it was trained in.

        Args:
          dtype: "float32" or "bfloat16"; weights, input and output are float32.

        Raises:
          ValueError: not trained yet, or weights of another network.
        """
        model = networks.build_model(self.config, _PRECISIONS[dtype])
        trained = self.workdir.load_model(self.checkpoint, self.config)
        try:
            model.set_weights(trained.get_weights())
        except ValueError as error:
            raise ValueError(
                f"{self.workdir.path}: {self.checkpoint}.keras is not the network that "
                f"config.json describes ({error}). Train it again, or restore the file "
                "that was changed."
            ) from error
        return model

    def predictor(self, **options: Any) -> Predictor:
        """The network, ready for scans.

        Args:
          **options: fields of the task's options (`tasks.NAME.options`); what is not
            named keeps its default.

        Raises:
          ValueError: not trained yet, or an option that the task lacks or that makes
            no sense.
        """
        chosen = self.options(options)
        if chosen.dtype == "auto":
            dtype, _ = self.choose_dtype(alone=True)
            chosen = dataclasses.replace(chosen, dtype=dtype)
        if chosen.dtype == "float32":
            hardware.compute_float32_exactly()
        return part(self.config.task, "predictor").load(self, chosen)

    def predict(self, scan: Volume, **options: Any) -> Prediction:
        """What the network makes of a scan: a value, nothing is written.

        The network is loaded once for all scans with the same options.

        Args:
          scan: in any orientation and intensity unit.
          **options: fields of the task's options (`tasks.NAME.options`); what is not
            named keeps its default.

        Raises:
          ValueError: no Volume of several slices, not trained yet, an option that the
            task lacks or that makes no sense, or voxels that are not finite or all
            alike.
        """
        if not isinstance(scan, Volume) or min(scan.shape) < 2:
            got = getattr(scan, "shape", type(scan).__name__)
            raise ValueError(
                "A network takes a scan of several slices, a Volume as "
                f"`deepresolve.read` gives it; got {got}."
            )
        key = repr(sorted(options.items()))
        if key not in self._predictors:
            self._predictors[key] = self.predictor(**options)
        return self._predictors[key].predict(scan)

    @functools.cached_property
    def _predictors(self) -> dict[str, Predictor]:
        """Those that `predict` has loaded, by their options."""
        return {}

    def options(self, values: Mapping[str, Any]) -> Options:
        """The options of the run's task, with some chosen; ValueError of others."""
        return part(self.config.task, "options").Options.of(dict(values))

    def takes(self, option: str) -> bool:
        """Whether an option means anything for this run's network."""
        return _takes(self.config.task, networks.find_model(self.config), option)

    def choose_dtype(self, *, alone: bool) -> tuple[Dtype, str]:
        """What to compute in where nobody said, fast and safe; and why.

        Args:
          alone: whether this process does the work; other machines may be fast at
            other things.
        """
        return part(self.config.task, "predictor").choose_dtype(alone=alone)


def takers(option: str) -> list[str]:
    """The tasks that have a network for which an option means something.

    Where not all of a task's networks are such, their names follow in brackets.
    """
    found = []
    for task in TASKS:
        models = part(task, "models").MODELS
        names = [name for name in models if _takes(task, models[name], option)]
        if len(names) == len(models):
            found.append(task)
        elif names:
            found.append(f"{task} ({', '.join(names)})")
    return found


def _takes(task: str, model: Model, option: str) -> bool:
    known = dataclasses.fields(part(task, "options").Options)
    engines = {field.name: field.metadata["engine"] for field in known}
    return option in engines and engines[option] in (None, model.engine)
