"""Requests that TensorFlow Serving runs before a version takes the first one.

A graph's first run takes longer, for then it is optimised and memory is laid out.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import tensorflow as tf
from google.protobuf.message import Message

from deepresolve.serving.protocol import require_serving
from deepresolve.system import storage
from deepresolve.tasks.servable import Field, Signature

FILE_NAME = "tf_serving_warmup_requests"  # TensorFlow Serving's
SHAPE = (1, 64, 64, 16)


def write(path: str, model_name: str, signatures: Mapping[str, Signature]) -> None:
    """Writes one request for each signature.

    Args:
      path: the file, TFRecords of `PredictionLog`.
      model_name: as the server knows it.
      signatures: what the model can be asked, by name.

    Raises:
      ValueError: tensorflow-serving-api is not installed.
      OSError: it cannot be written.
    """
    with storage.writing(path), tf.io.TFRecordWriter(path) as records:
        for name, signature in signatures.items():
            log = _request(model_name, name, signature.inputs)
            records.write(log.SerializeToString())


def _request(
    model_name: str, signature_name: str, inputs: Mapping[str, Field]
) -> Message:
    log = require_serving().prediction_log.PredictionLog()
    request = log.predict_log.request
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature_name
    scan = np.random.default_rng(0).integers(0, 1000, SHAPE)
    for name, field in inputs.items():
        value = scan if field.example is None else field.example
        array = np.asarray(value, field.dtype)
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return log
