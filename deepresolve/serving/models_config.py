"""models.config: which models a server loads, and from where."""

from __future__ import annotations

from google.protobuf import text_format
from google.protobuf.message import Message

from deepresolve.serving.protocol import require_serving
from deepresolve.system import locking, storage

FILE_NAME = "models.config"
# Where the folder of all models appears to a server: the Docker image's habit.
SERVER_FOLDER = "/models"


def add(output: str) -> None:
    """Names a model in the models.config beside its folder; once named, it stays so.

    Args:
      output: folder of the model, in the folder of all models.

    Raises:
      ValueError: there is a models.config that cannot be read.
      OSError: it cannot be written.
    """
    name = output.rpartition("/")[2]
    with locking.turn(_path(output)):
        server = read(output)
        models = server.model_config_list.config
        if name in {model.name for model in models}:
            return
        models.add(
            name=name, base_path=f"{SERVER_FOLDER}/{name}", model_platform="tensorflow"
        )
        storage.write(_path(output), text_format.MessageToString(server).encode())


def read(output: str) -> Message:
    """The `ModelServerConfig` beside a model's folder; empty where there is none.

    Raises:
      ValueError: it cannot be read.
    """
    path = _path(output)
    server = require_serving().model_server_config.ModelServerConfig()
    if storage.is_file(path):
        try:
            text_format.Parse(storage.read(path).decode(), server)
        except (text_format.ParseError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{path} is no ModelServerConfig ({error}). Mend it, or delete it: it "
                "is then written anew."
            ) from error
    return server


def _path(output: str) -> str:
    return storage.join(output.rpartition("/")[0] or ".", FILE_NAME)
