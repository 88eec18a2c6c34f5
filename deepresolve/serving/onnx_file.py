"""A network alone as an ONNX file, for runtimes other than TensorFlow's."""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from deepresolve.system import storage
from deepresolve.system.extras import how_to_install
from deepresolve.tasks.trained_run import TrainedRun

# By how many axes a network convolves along.
INPUTS = {3: "volume", 2: "views"}
_OPSET = 17
# Along these axes: nearly nothing divides the first ones; others than those before.
# Networks of views take an even number of pixels.
_SIZES = ((38, 22, 19), (48, 32, 24))
_TOLERANCE = 1e-4


class OnnxTools(NamedTuple):
    """Optional dependencies."""

    tf2onnx: ModuleType
    onnxruntime: ModuleType


def require_onnx() -> OnnxTools:
    """The converter, and the runtime that tries what it wrote.

    Raises:
      ValueError: they are not installed.
    """
    try:
        import onnxruntime
        import tf2onnx
    except ImportError as error:
        raise ValueError(
            f"ONNX needs tf2onnx and onnxruntime ({error}): {how_to_install('onnx')}."
        ) from error
    return OnnxTools(tf2onnx, onnxruntime)


def export_onnx(run: TrainedRun, output: str) -> float:
    """Writes a run's network, if ONNX Runtime gives its output.

    The file takes `volume`, (1, rows, columns, slices, 1) float32 of any size, scaled
    to 0..1 and for super-resolution interpolated; or, of a network of views, `views`,
    (1, pixels, slices, 4) float32, with an even number of pixels and channels as
    `networks.sr_views` has them. Its only output is the network's.

    Args:
      run: the trained run.
      output: the file.

    Returns:
      The largest difference found, in units of the largest output.

    Raises:
      ValueError: the run is not trained yet, or its network has no equal in ONNX.
      OSError: it cannot be written.
    """
    tools = require_onnx()
    model = run.network("float32")
    content = _converted(model, tools)
    difference = _largest_difference(model, content, tools)
    if not difference <= _TOLERANCE:
        raise ValueError(
            f"{run.name}: in ONNX Runtime {run.config.model} differs by "
            f"{difference:.2g} of its largest output, more than {_TOLERANCE}. Nothing "
            "was written; `deepresolve export` serves this network without ONNX."
        )
    storage.write(output, content)
    return difference


def _converted(model: keras.Model, tools: OnnxTools) -> bytes:
    name, num_axes, channels = _input(model)
    shape = (1, *[None] * num_axes, channels)
    signature = [tf.TensorSpec(shape, tf.float32, name=name)]
    function = tf.function(
        lambda image: model(image, training=False), input_signature=signature
    )
    onnx_model, _ = tools.tf2onnx.convert.from_function(
        function, input_signature=signature, opset=_OPSET
    )
    return onnx_model.SerializeToString()


def _input(model: keras.Model) -> tuple[str, int, int]:
    """Name of the input, axes between batch and channels, and how many channels."""
    _, *axes, channels = model.inputs[0].shape
    return INPUTS[len(axes)], len(axes), channels


def _largest_difference(model: keras.Model, content: bytes, tools: OnnxTools) -> float:
    session = tools.onnxruntime.InferenceSession(
        content, providers=["CPUExecutionProvider"]
    )
    random = np.random.default_rng(0)
    name, num_axes, channels = _input(model)
    differences = []
    for sizes in _SIZES:
        image = random.random((1, *sizes[:num_axes], channels), np.float32)
        expected = np.asarray(model(image, training=False))
        (actual,) = session.run(None, {name: image})
        differences.append(np.abs(actual - expected).max() / np.abs(expected).max())
    return float(max(differences))
