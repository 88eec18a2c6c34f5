"""How bright tissues are: the signal equations of three sequences, or chance.

Relaxation times at 3 T, cartilage, muscle, fluid, fat and marrow after Gold et al., AJR
2004;183:343; of menisci, tendons and cortical bone, which have hardly any signal, and
all proton densities ours. Steady states after Haacke et al., Magnetic Resonance Imaging
(1999), chapter 18; DESS is the sum of its two echoes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from deepresolve.simulation.painting.priors import Priors


class Tissue(NamedTuple):
    """What a signal equation knows of a tissue.

    Attributes:
      t1_ms: longitudinal relaxation time.
      t2_ms: transverse one.
      density: of protons, that of fluid being 1.
    """

    t1_ms: float
    t2_ms: float
    density: float


TISSUES = {
    "air": Tissue(1000.0, 1.0, 0.0),
    "cartilage": Tissue(1240.0, 37.0, 0.75),
    "meniscus": Tissue(900.0, 12.0, 0.65),
    "tendon": Tissue(800.0, 8.0, 0.6),
    "cortex": Tissue(500.0, 1.0, 0.2),
    "muscle": Tissue(1420.0, 32.0, 0.8),
    "fluid": Tissue(3620.0, 767.0, 1.0),
    "fat": Tissue(371.0, 133.0, 0.9),
    "marrow": Tissue(365.0, 133.0, 0.85),
}
FATTY = ("fat", "marrow")
# What cartilage borders on within the joint.
_BESIDE = ("fluid", "fat", "meniscus", "tendon")

# Of T2, where field inhomogeneity is not refocused; ours.
_T2_STAR = 0.6


def spin_echo(tissue: Tissue, random: np.random.Generator, priors: Priors) -> float:
    """Spin echoes.

    Args:
      tissue: whose signal is asked for.
      random: the same state for all tissues of an image.
      priors: uses spin_echo_tr_ms and spin_echo_te_ms.
    """
    tr_ms = random.uniform(*priors.spin_echo_tr_ms)
    te_ms = random.uniform(*priors.spin_echo_te_ms)
    recovered = 1 - np.exp(-tr_ms / tissue.t1_ms)
    return float(tissue.density * recovered * np.exp(-te_ms / tissue.t2_ms))


def gradient_echo(tissue: Tissue, random: np.random.Generator, priors: Priors) -> float:
    """Spoiled gradient echoes (FLASH, SPGR); arguments as of `spin_echo`."""
    tr_ms = random.uniform(*priors.gradient_echo_tr_ms)
    te_ms = random.uniform(*priors.gradient_echo_te_ms)
    angle = np.deg2rad(random.uniform(*priors.gradient_echo_degrees))
    e1 = np.exp(-tr_ms / tissue.t1_ms)
    steady = np.sin(angle) * (1 - e1) / (1 - np.cos(angle) * e1)
    return float(tissue.density * steady * np.exp(-te_ms / (_T2_STAR * tissue.t2_ms)))


def dess(tissue: Tissue, random: np.random.Generator, priors: Priors) -> float:
    """Both echoes of a double echo in steady state; arguments as of `spin_echo`."""
    tr_ms = random.uniform(*priors.dess_tr_ms)
    te_ms = random.uniform(*priors.dess_te_ms)
    angle = np.deg2rad(random.uniform(*priors.dess_degrees))
    e1, e2 = np.exp(-tr_ms / tissue.t1_ms), np.exp(-tr_ms / tissue.t2_ms)
    cosine = np.cos(angle)
    p, q = 1 - e1 * cosine - e2**2 * (e1 - cosine), e2 * (1 - e1) * (1 + cosine)
    root = np.sqrt(p**2 - q**2)
    # The mean over a turn of (a + b cos) / (p - q cos), for both echoes.
    first = np.tan(angle / 2) * (1 - (e1 - cosine) * (1 - e2**2) / root)
    second = np.tan(angle / 2) * (1 - (1 - e1 * cosine) * (1 - e2**2) / root)
    first *= np.exp(-te_ms / (_T2_STAR * tissue.t2_ms))
    second *= np.exp(-te_ms * (1 / _T2_STAR - 1) / tissue.t2_ms)
    return float(tissue.density * (first + second))


Sequence = Callable[[Tissue, np.random.Generator, Priors], float]
# DESS more often: it is what cartilage is measured on.
SEQUENCES: tuple[tuple[Sequence, float], ...] = (
    (dess, 0.5),
    (spin_echo, 0.3),
    (gradient_echo, 0.2),
)


def draw(random: np.random.Generator, priors: Priors) -> dict[str, float]:
    """Signal by tissue, the brightest one being 1.

    Args:
      random: to draw from.
      priors: uses random_contrast, cartilage_contrast, joint_contrast, signal_spread,
        fat_suppressed, fat_left and those of the sequences.
    """
    least = {"marrow": priors.cartilage_contrast}
    least |= dict.fromkeys(_BESIDE, priors.joint_contrast)
    while True:
        signal = _drawn(random, priors)
        cartilage = signal["cartilage"]
        if all(abs(cartilage - signal[name]) >= by for name, by in least.items()):
            return signal


def _drawn(random: np.random.Generator, priors: Priors) -> dict[str, float]:
    """Whether it shows cartilage or not."""
    if random.random() < priors.random_contrast:
        signal = {name: float(random.uniform(0, 1)) for name in TISSUES}
        signal["air"] = float(random.uniform(0, 0.05))
        return _to_one(signal)
    weights = [weight for _, weight in SEQUENCES]
    sequence, _ = SEQUENCES[random.choice(len(SEQUENCES), p=weights)]
    seed = int(random.integers(2**31))
    signal = {
        name: sequence(tissue, np.random.default_rng(seed), priors)
        for name, tissue in TISSUES.items()
    }
    if random.random() < priors.fat_suppressed:
        left = random.uniform(*priors.fat_left)
        signal |= {name: signal[name] * left for name in FATTY}
    spread = np.exp(random.normal(0, priors.signal_spread, len(signal)))
    return _to_one(
        {name: of * by for (name, of), by in zip(signal.items(), spread, strict=True)}
    )


def _to_one(signal: dict[str, float]) -> dict[str, float]:
    brightest = max(signal.values())
    return {name: of / brightest for name, of in signal.items()}
