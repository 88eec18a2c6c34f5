"""The messages of TensorFlow Serving: an optional dependency."""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

from deepresolve.system.extras import how_to_install


class Protocol(NamedTuple):
    """Generated modules of tensorflow-serving-api."""

    prediction_log: ModuleType
    model_server_config: ModuleType


def require_serving() -> Protocol:
    """The messages.

    Raises:
      ValueError: tensorflow-serving-api is not installed.
    """
    try:
        from tensorflow_serving.apis import prediction_log_pb2
        from tensorflow_serving.config import model_server_config_pb2
    except ImportError as error:
        raise ValueError(
            f"An export needs tensorflow-serving-api ({error}): "
            f"{how_to_install('serving')}."
        ) from error
    return Protocol(prediction_log_pb2, model_server_config_pb2)
