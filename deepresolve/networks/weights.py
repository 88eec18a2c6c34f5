"""A network's weights without its layers' code, alike on both supported stacks.

A `.keras` file of one Keras cannot always be read by another; here the network is built
by our own code, and a NumPy archive (.npz) has an array for each of its variables.
"""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from typing import Any

import keras
import numpy as np

# What NumPy and zipfile raise for files that are something else or damaged.
_DAMAGE = (
    *(OSError, ValueError, EOFError, AttributeError, TypeError, KeyError),
    *(RuntimeError, MemoryError, zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)


def to_npz(model: keras.Model, *, half: bool = False) -> bytes:
    """The weights as a NumPy archive: "LAYER/0", "LAYER/1", ...

    Args:
      model: whatever network.
      half: kernels in float16, at half the size; all else, as all without it, float32.
    """
    arrays: dict[str, Any] = {
        f"{layer.name}/{number}": array.astype(
            np.float16 if half and array.ndim > 1 else np.float32
        )
        for layer in model.layers
        for number, array in enumerate(layer.get_weights())
    }
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def from_npz(model: keras.Model, content: bytes) -> None:
    """Sets the weights to what `to_npz` wrote; nothing in it is ever executed.

    Args:
      model: the same network, of whatever precision.
      content: bytes of the archive.

    Raises:
      ValueError: damaged, or weights of another network.
    """
    stored = _read(content)
    layers = {layer: _expected(layer) for layer in model.layers}
    expected = {key: shape for shapes in layers.values() for key, shape in shapes}
    found = {key: array.shape for key, array in stored.items()}
    if found != expected:
        differing = sorted(set(found.items()) ^ set(expected.items()))
        raise ValueError(
            f"weights of another network: {len(differing)} arrays differ in name or "
            f"shape, the first {differing[0]}"
        )
    for layer, shapes in layers.items():
        layer.set_weights([stored[key].astype(np.float32) for key, _ in shapes])


def _expected(layer: keras.layers.Layer) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of a layer's variables, in its own order."""
    return [
        (f"{layer.name}/{number}", array.shape)
        for number, array in enumerate(layer.get_weights())
    ]


def _read(content: bytes) -> dict[str, np.ndarray]:
    try:
        # Without pickle an archive holds plain arrays alone.
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except _DAMAGE as error:
        raise ValueError(f"no NumPy archive, or a damaged one ({error})") from error
