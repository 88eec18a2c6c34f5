"""JAX: XLA compiles the whole step, and the whole network."""

from __future__ import annotations

import functools

import jax
import numpy as np

COMPILATIONS = {"jit": "jax.jit of the whole step or network"}

_MATMUL_PRECISIONS = {"float32": "float32", "tf32": "tensorfloat32"}


def device_name() -> str | None:
    """The GPU's name."""
    device = jax.devices()[0]
    return None if device.platform == "cpu" else device.device_kind


def set_precision(precision: str) -> None:
    """JAX on a GPU takes TF32 for float32 unless told otherwise."""
    if precision in _MATMUL_PRECISIONS:
        jax.config.update("jax_default_matmul_precision", _MATMUL_PRECISIONS[precision])


def put(array: np.ndarray) -> jax.Array:
    """Copies to the device."""
    return jax.device_put(array)


def fetch(tensor: jax.Array) -> np.ndarray:
    """Copies to the host."""
    return np.asarray(tensor)


def wait(tensor: jax.Array) -> None:
    """Waits for a tensor; a device computes in the order in which it was asked."""
    jax.block_until_ready(tensor)


def training_step(model, loss, optimizer, compilation: str):
    """A step with Keras's stateless calls; it updates weights that only it holds."""
    optimizer.build(model.trainable_variables)

    def loss_of(trainable, fixed, image, target):
        predicted, fixed = model.stateless_call(trainable, fixed, image, training=True)
        return loss(target, predicted), fixed

    value_and_gradient = jax.value_and_grad(loss_of, has_aux=True)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, image, target):
        trainable, fixed, of_optimizer = state
        (value, fixed), gradient = value_and_gradient(trainable, fixed, image, target)
        trainable, of_optimizer = optimizer.stateless_apply(
            of_optimizer, gradient, trainable
        )
        return (trainable, fixed, of_optimizer), value

    state = tuple(
        _values(variables)
        for variables in (
            model.trainable_variables,
            model.non_trainable_variables,
            optimizer.variables,
        )
    )

    def run(image, target):
        nonlocal state
        state, value = step(state, image, target)
        return value

    return run


def inference(model, finish, compilation: str):
    """The network as one program, its weights as arguments and not as constants."""

    @jax.jit
    def forward(trainable, fixed, image):
        return finish(model.stateless_call(trainable, fixed, image, training=False)[0])

    return functools.partial(
        forward,
        _values(model.trainable_variables),
        _values(model.non_trainable_variables),
    )


def peak_bytes() -> int | None:
    """Most that XLA's allocator has handed out."""
    statistics = jax.devices()[0].memory_stats()
    return statistics["peak_bytes_in_use"] if statistics else None


def _values(variables) -> list[jax.Array]:
    return [variable.value for variable in variables]
