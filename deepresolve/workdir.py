"""The folder of one run, wherever `tf.io.gfile` reaches.

    config.json        the run's Config
    provenance.json    versions, records hash, devices and precision of each start
    checkpoints/       the last state of training, to resume from
    best.keras         weights of the best validation pSNR so far
    last.keras         weights after the last epoch
    tensorboard/       curves and images

Files are written under a temporary name and renamed, so none is ever half-written.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import tempfile
from typing import Any

import keras
import tensorflow as tf

from deepresolve.config import Config

gfile = tf.io.gfile


class Workdir:
    """Names, writes and reads the files of one run.

    Args:
      path: the folder; made when something is first written.
    """

    def __init__(self, path: str):
        self.path = str(path)
        self.checkpoints = self.join("checkpoints")
        self.tensorboard = self.join("tensorboard")

    def join(self, *names: str) -> str:
        """Path of something inside the folder."""
        return "/".join([self.path.rstrip("/"), *names])

    def start(self, config: Config) -> None:
        """Claims the folder for `config`, or checks that it holds that very run.

        Raises:
          ValueError: it holds a run with another config.
        """
        if gfile.exists(self.join("config.json")):
            _require_same(self.load_config(), config, self.path)
            return
        gfile.makedirs(self.path)
        write_text(self.join("config.json"), config.to_json())

    def load_config(self) -> Config:
        """The run's config.

        Raises:
          ValueError: there is no run here, or one of another version.
        """
        path = self.join("config.json")
        if not gfile.exists(path):
            raise ValueError(
                f"{self.path} is no workdir: it has no config.json. Give the --workdir "
                "that train.py wrote."
            )
        with gfile.GFile(path) as file:
            text = file.read()
        try:
            return Config.from_json(text)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def load_provenance(self) -> list[dict[str, Any]]:
        """What provenance.json tells of each start of the run, the first one first."""
        path = self.join("provenance.json")
        if not gfile.exists(path):
            return []
        with gfile.GFile(path) as file:
            return json.load(file)

    def add_provenance(self, entry: dict[str, Any]) -> None:
        """Appends one start of the run to provenance.json."""
        entries = [*self.load_provenance(), entry]
        write_text(self.join("provenance.json"), json.dumps(entries, indent=2) + "\n")

    def save_model(self, model: keras.Model, name: str) -> None:
        """Writes `model` as NAME.keras."""
        target = self.join(f"{name}.keras")
        with tempfile.TemporaryDirectory() as folder:
            local = pathlib.Path(folder) / "model.keras"
            model.save(local)
            partial = f"{target}.partial"
            gfile.copy(str(local), partial, overwrite=True)
        gfile.rename(partial, target, overwrite=True)

    def load_model(self, name: str = "best") -> keras.Model:
        """Reads NAME.keras.

        Raises:
          ValueError: the run has not saved it yet.
        """
        source = self.join(f"{name}.keras")
        if not gfile.exists(source):
            raise ValueError(
                f"{self.path} has no {name}.keras yet: its first epoch is not "
                "complete. Let train.py run on."
            )
        with tempfile.TemporaryDirectory() as folder:
            local = pathlib.Path(folder) / "model.keras"
            gfile.copy(source, str(local))
            return keras.models.load_model(local, compile=False)


def write_text(path: str, text: str) -> None:
    """Writes a whole text file or, on failure, nothing under its name."""
    partial = f"{path}.partial"
    with gfile.GFile(partial, "w") as file:
        file.write(text)
    gfile.rename(partial, path, overwrite=True)


def _require_same(stored: Config, asked: Config, path: str) -> None:
    differences = [
        f"{field.name}: {getattr(stored, field.name)!r} there, "
        f"{getattr(asked, field.name)!r} asked"
        for field in dataclasses.fields(Config)
        if getattr(stored, field.name) != getattr(asked, field.name)
    ]
    if differences:
        raise ValueError(
            f"{path} holds a run with another config ({'; '.join(differences)}). "
            "Resume it with the same flags, or choose another --workdir."
        )
