"""The folder of one run, wherever `tf.io.gfile` reaches.

    config.json        the run's Config
    provenance.json    versions, records, classes, devices, precision of each start
    checkpoints/       the last state of training, to resume from
    best.keras         weights of the best validation score so far; the task says of
                       which: pSNR, the Dice coefficient
    last.keras         weights after the last epoch
    training_set.json  what the network was trained on (`training_set`)
    tensorboard/       curves and images

A network of `deepresolve.runs.pretrained` has best.npz instead of the .keras files.

Files are written under a temporary name and renamed, so none is ever half-written.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import pathlib
import platform
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import deepresolve
from deepresolve import networks
from deepresolve.config import CHANGEABLE, Config
from deepresolve.networks import weights
from deepresolve.networks.layers import CUSTOM_OBJECTS
from deepresolve.runs import checks, pretrained
from deepresolve.system import locking, storage

_logger = logging.getLogger(__name__)

gfile = tf.io.gfile


class Workdir:
    """Names, writes and reads the files of one run.

    Args:
      path: the folder; made when something is first written. "pretrained:NAME" is one
        that comes with the package, and is never written to.

    Raises:
      ValueError: the package has no network of that name.
    """

    def __init__(self, path: str):
        self.path = pretrained.resolve(str(path))
        self.checkpoints = self.join("checkpoints")
        self.tensorboard = self.join("tensorboard")
        self._claim: locking.Claim | None = None

    def join(self, *names: str) -> str:
        """Path of something inside the folder."""
        return "/".join([self.path.rstrip("/"), *names])

    @contextlib.contextmanager
    def claimed(self) -> Iterator[None]:
        """Keeps other trainings out of the folder for as long as the context lasts.

        Raises:
          ValueError: it is a network of the package.
          OSError: there is another one, or the folder cannot be written.
        """
        self._require_own()
        remedy = "choose another --workdir"
        with locking.held(self.path, "training", remedy) as claim:
            self._claim = claim
            yield

    def check_claim(self) -> None:
        """locking.InUseError where another training has taken the folder over."""
        if self._claim is not None:
            self._claim.check()

    def check_start(self, config: Config) -> None:
        """Checks that the folder is new, or holds the very run of `config`.

        The run's length and the time between checkpoints may differ (`CHANGEABLE`).

        Raises:
          ValueError: it holds a run with another config, or one that lost its config.
        """
        self._require_own()
        if gfile.exists(self.join("config.json")):
            _require_same_run(self.load_config(), config, self.path)
        elif self._trained_weights() or storage.list_files(self.checkpoints):
            raise ValueError(
                f"{self.path} holds a run without its config.json. Bring that back "
                "from a copy, or choose another --workdir."
            )

    def _require_own(self) -> None:
        if self._is_packed("best"):
            raise ValueError(
                f"{self.path} is a network that comes with the package, and is not "
                "trained further. Give a --workdir of your own."
            )

    def check_untrained(self) -> None:
        """ValueError where a run without a checkpoint would write over weights."""
        if found := self._trained_weights():
            raise ValueError(
                f"{self.path} holds {' and '.join(found)} of trained epochs, but no "
                f"checkpoint to go on from. Bring {self.checkpoints} back from a copy, "
                "or begin anew in another --workdir. Nothing was changed."
            )

    def _trained_weights(self) -> list[str]:
        return [f"{n}.keras" for n in ("best", "last") if self.has_model(n)]

    def start(self, config: Config) -> None:
        """Claims the folder for `config`, or goes on with the run that it holds.

        Where settings of `CHANGEABLE` differ they are changed in config.json. What a
        killed process left half-written is removed.

        Raises:
          ValueError: as `check_start`.
          OSError: it cannot be written.
        """
        self.check_start(config)
        path = self.join("config.json")
        if gfile.exists(path):
            stored = self.load_config()
            self._remove_temporaries()
            if stored == config:
                return
            _logger.info("%s changed: %s.", path, _differences_text(stored, config))
        storage.make_folder(self.path)
        storage.write(path, config.to_json().encode())

    def _remove_temporaries(self) -> None:
        for name in storage.list_files(self.path):
            if name.endswith(storage.TEMPORARY_SUFFIX):
                storage.remove(self.join(name))

    def load_config(self) -> Config:
        """The run's config.

        Raises:
          ValueError: there is no run here, or one of another version.
        """
        path = self.join("config.json")
        if not gfile.exists(path):
            raise ValueError(checks.no_workdir(self.path))
        try:
            return Config.from_json(storage.read(path).decode())
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path} is damaged: {error}. Bring it back from a copy, or begin anew "
                "in another --workdir."
            ) from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def load_provenance(self) -> list[dict[str, Any]]:
        """What provenance.json tells of each start of the run, the first one first.

        Raises:
          ValueError: the file is damaged.
        """
        path = self.join("provenance.json")
        if not gfile.exists(path):
            return []
        try:
            return json.loads(storage.read(path))
        except ValueError as error:
            raise ValueError(
                f"{path} is damaged: {error}. Restore it, or delete it: it tells how "
                "the run was made and is not needed to go on."
            ) from error

    def add_provenance(self, entry: dict[str, Any]) -> None:
        """Appends one start of the run to provenance.json."""
        entries = [*self.load_provenance(), entry]
        text = json.dumps(entries, indent=2) + "\n"
        storage.write(self.join("provenance.json"), text.encode())

    def save_model(self, model: keras.Model, name: str) -> None:
        """Writes `model` as NAME.keras.

        Raises:
          OSError: it cannot be written.
        """
        with (
            storage.replacing(self.join(f"{name}.keras")) as partial,
            tempfile.TemporaryDirectory() as folder,
        ):
            local = pathlib.Path(folder) / "model.keras"
            model.save(local)
            gfile.copy(str(local), partial, overwrite=True)

    def has_model(self, name: str) -> bool:
        """Whether NAME.keras is there."""
        return gfile.exists(self.join(f"{name}.keras"))

    def has_whole_model(self, name: str) -> bool:
        """Whether NAME.keras is there and undamaged, as far as its checksums tell."""
        if not self.has_model(name):
            return False
        content = io.BytesIO(storage.read(self.join(f"{name}.keras")))
        try:
            with zipfile.ZipFile(content) as archive:
                return archive.testzip() is None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
            return False

    def model_sha256(self, name: str) -> str:
        """SHA-256 of the file of `weights_path`, in hexadecimal."""
        return storage.sha256(self.weights_path(name))

    def weights_path(self, name: str = "best") -> str:
        """Where the weights are or will be: NAME.keras, or a pretrained NAME.npz."""
        return self.join(f"{name}.npz" if self._is_packed(name) else f"{name}.keras")

    def _is_packed(self, name: str) -> bool:
        return gfile.exists(self.join(f"{name}.npz"))

    def load_model(
        self, name: str = "best", config: Config | None = None
    ) -> keras.Model:
        """Reads NAME.keras, or NAME.npz of a pretrained network.

        Args:
          name: of the weights.
          config: of the run; None: as it is read here.

        Raises:
          ValueError: the run has not saved it yet, it cannot be read, or a weight is
            not finite.
        """
        model = self._read_model(name, config)
        if not all(np.isfinite(array).all() for array in model.get_weights()):
            raise ValueError(
                f"{self.weights_path(name)}: its weights are not all finite numbers: "
                "the training diverged, or the file is damaged. Train again, with a "
                "lower --learning_rate or --precision=float32."
            )
        return model

    def _read_model(self, name: str, config: Config | None) -> keras.Model:
        if self._is_packed(name):
            return self._load_npz(self.weights_path(name), config)
        if self._is_packed("best"):
            raise ValueError(
                f"{self.path} comes with the package, which has its best weights "
                f"alone; there is no {name}.npz. Leave out --checkpoint."
            )
        if not self.has_model(name):
            raise ValueError(
                f"{self.path} has no {name}.keras yet: its first epoch is not "
                "complete. Let train.py run on."
            )
        with tempfile.TemporaryDirectory() as folder:
            local = pathlib.Path(folder) / "model.keras"
            storage.copy(self.join(f"{name}.keras"), str(local))
            # In safe mode a file cannot bring code of its own. Keras 2.15 would take
            # what is no zip for HDF5, for which it knows no safe mode.
            if not zipfile.is_zipfile(local):
                raise ValueError(
                    f"{self.join(name)}.keras is damaged, or no .keras file: expected "
                    "a zip. The other one of best.keras and last.keras may be whole; "
                    "train.py writes both again."
                )
            try:
                return keras.models.load_model(
                    local, compile=False, custom_objects=CUSTOM_OBJECTS, safe_mode=True
                )
            except (ValueError, TypeError, KeyError, OSError) as error:
                raise ValueError(
                    f"{self.join(name)}.keras cannot be read: it is damaged, of "
                    "another version, or brings code of its own, which is never run "
                    f"({error}). The other one of best.keras and last.keras may be "
                    "whole; train.py writes both again."
                ) from error

    def _load_npz(self, path: str, config: Config | None) -> keras.Model:
        model = networks.build_model(config or self.load_config())
        try:
            weights.from_npz(model, storage.read(path))
        except ValueError as error:
            raise ValueError(f"{path}: {error}. Install the package again.") from error
        return model


def versions() -> dict[str, str]:
    """What software a file of ours was made with, by name."""
    return {
        "deepresolve": deepresolve.__version__,
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _require_same_run(stored: Config, asked: Config, path: str) -> None:
    if not set(stored.differences(asked)) <= CHANGEABLE:
        raise ValueError(
            f"{path} holds a run with another config "
            f"({_differences_text(stored, asked)}). Resume it with the same flags, but "
            f"for {', '.join(sorted(CHANGEABLE))}, or choose another --workdir."
        )


def _differences_text(stored: Config, asked: Config) -> str:
    return "; ".join(
        f"{name}: {getattr(stored, name)!r} there, {getattr(asked, name)!r} asked"
        for name in stored.differences(asked)
    )
