"""Requests that TensorFlow Serving runs before a version takes the first one.

A graph's first run takes longer, for then it is optimised and memory is laid out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from google.protobuf.message import Message

from deepresolve.serving.protocol import require_serving
from deepresolve.system import storage

FILE_NAME = "tf_serving_warmup_requests"  # TensorFlow Serving's
SHAPE = (1, 64, 64, 16)


def write(
    path: str, model_name: str, signature_names: Sequence[str], input_name: str
) -> None:
    """Writes one request for each signature.

    Args:
      path: the file, TFRecords of `PredictionLog`.
      model_name: as the server knows it.
      signature_names: what the model can be asked.
      input_name: of the scan, in all of them.

    Raises:
      ValueError: tensorflow-serving-api is not installed.
      OSError: it cannot be written.
    """
    with storage.writing(path), tf.io.TFRecordWriter(path) as records:
        for signature_name in signature_names:
            log = _request(model_name, signature_name, input_name)
            records.write(log.SerializeToString())


def _request(model_name: str, signature_name: str, input_name: str) -> Message:
    log = require_serving().prediction_log.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature_name
    scan = np.random.default_rng(0).integers(0, 1000, SHAPE).astype(np.float32)
    request.inputs[input_name].CopyFrom(tf.make_tensor_proto(scan))
    return log
