"""TensorFlow: as a graph, and compiled by XLA."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

COMPILATIONS = {
    "graph": "tf.function of the whole step or network",
    "xla": "the same, compiled by XLA (jit_compile)",
}


def device_name() -> str | None:
    """The GPU's name."""
    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return None
    details = tf.config.experimental.get_device_details(gpus[0])
    return details.get("device_name", gpus[0].name)


def set_precision(precision: str) -> None:
    """TensorFlow takes TF32 for float32 unless told otherwise."""
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")


def put(array: np.ndarray) -> tf.Tensor:
    """Copies to the device."""
    return tf.identity(array)  # tf.constant may leave it on the host


def fetch(tensor: tf.Tensor) -> np.ndarray:
    """Copies to the host."""
    return tensor.numpy()


def wait(tensor: tf.Tensor) -> None:
    """Waits for all that the device was asked for."""
    tf.test.experimental.sync_devices()


def training_step(model, loss, optimizer, compilation: str):
    """A step as one graph."""
    weights = model.trainable_variables
    optimizer.build(weights)

    @tf.function(jit_compile=compilation == "xla")
    def step(image, target):
        with tf.GradientTape() as tape:
            value = loss(target, model(image, training=True))
        gradient = tape.gradient(value, weights)
        optimizer.apply_gradients(zip(gradient, weights, strict=True))
        return value

    return step


def inference(model, finish, compilation: str):
    """The network as one graph."""

    @tf.function(jit_compile=compilation == "xla")
    def forward(image):
        return finish(model(image, training=False))

    return forward


def peak_bytes() -> int | None:
    """Most that TensorFlow's allocator has handed out."""
    if not tf.config.list_physical_devices("GPU"):
        return None
    return tf.config.experimental.get_memory_info("GPU:0")["peak"]
