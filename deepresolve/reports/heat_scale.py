"""One scale of probability for colours laid over a scan: 0 is clear, 1 bright."""

from __future__ import annotations

import functools

import matplotlib as mpl
import numpy as np

# Even in lightness, for all kinds of colour vision; its dark end is seen through.
COLOUR_MAP = "plasma"
# Of 1: the scan stays visible under the strongest colour.
MOST_OPAQUE = 0.7
# As probable as not: outlined.
HALF = 128


@functools.cache
def table() -> np.ndarray:
    """(256, 4) uint8 red, green, blue and opacity of what is stored in 8 bits.

    Opacity grows with the square of the probability: what says little hides little, and
    a network that says 0.5 of everything does not paint all of the scan.
    """
    share = np.linspace(0, 1, 256)
    shades = mpl.colormaps[COLOUR_MAP](share)
    shades[:, 3] = MOST_OPAQUE * share**2
    return np.rint(255 * shades).astype(np.uint8)


def colours() -> list[str]:
    """The same as "#rrggbbaa"."""
    return [f"#{shade.tobytes().hex()}" for shade in table()]


def eight_bit(probabilities: np.ndarray) -> np.ndarray:
    """Rounded so that 1 becomes 255, uint8."""
    return np.rint(np.clip(probabilities, 0, 1) * 255).astype(np.uint8)
