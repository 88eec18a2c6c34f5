"""Signal equations against magnetisation that is followed pulse by pulse."""

import numpy as np
import pytest

from deepresolve.simulation.painting import contrast
from deepresolve.simulation.painting.contrast import TISSUES
from deepresolve.simulation.painting.priors import Priors


class Fixed:
    """Draws what it was told, in order."""

    def __init__(self, *values):
        self._values = list(values)

    def uniform(self, low, high):
        value = self._values.pop(0)
        assert low <= value <= high
        return value


def steady_echoes(tissue, tr_ms, angle):
    """Mean transverse magnetisation just after and just before the pulse.

    Over all angles by which spins turn between pulses, as the gradient of a steady
    state spreads them; each from its own fixed point.
    """
    e1, e2 = np.exp(-tr_ms / tissue.t1_ms), np.exp(-tr_ms / tissue.t2_ms)
    cosine, sine = np.cos(angle), np.sin(angle)
    pulse = np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])
    after, before = [], []
    for turn in np.linspace(0, 2 * np.pi, 2000, endpoint=False):
        c, s = np.cos(turn), np.sin(turn)
        rest = np.array([[e2 * c, e2 * s, 0], [-e2 * s, e2 * c, 0], [0, 0, e1]])
        fixed = np.linalg.solve(np.eye(3) - pulse @ rest, pulse @ [0, 0, 1 - e1])
        after.append(fixed[:2])
        before.append((rest @ fixed)[:2])
    return (np.linalg.norm(np.mean(m, axis=0)) for m in (after, before))


@pytest.mark.parametrize("name", ["cartilage", "fluid", "fat", "meniscus"])
@pytest.mark.parametrize("degrees", [25, 40])
def test_both_echoes_of_dess_are_those_of_many_spins(name, degrees):
    tissue, tr_ms = TISSUES[name], 18.0
    first, second = steady_echoes(tissue, tr_ms, np.radians(degrees))
    # Read 5 ms after the pulse, and 5 ms before the next, where spins come together.
    first *= np.exp(-5 / (0.6 * tissue.t2_ms))
    second *= np.exp(-5 * (1 / 0.6 - 1) / tissue.t2_ms)
    found = contrast.dess(tissue, Fixed(tr_ms, 5.0, degrees), Priors())
    assert found == pytest.approx(tissue.density * (first + second), rel=1e-3)


def test_spoiled_echoes_come_from_what_recovered_between_pulses():
    tissue, tr_ms, angle = TISSUES["cartilage"], 20.0, np.radians(25)
    along = 1.0
    for _ in range(2000):
        along = 1 - (1 - along * np.cos(angle)) * np.exp(-tr_ms / tissue.t1_ms)
    expected = along * np.sin(angle) * np.exp(-4 / (0.6 * tissue.t2_ms))
    found = contrast.gradient_echo(tissue, Fixed(tr_ms, 4.0, 25.0), Priors())
    assert found == pytest.approx(tissue.density * expected, rel=1e-6)


def test_echoes_are_drawn_from_the_priors():
    later = Priors(spin_echo_te_ms=(100.0, 100.0), spin_echo_tr_ms=(2000.0, 2000.0))
    found = contrast.spin_echo(TISSUES["fat"], np.random.default_rng(0), later)
    tissue = TISSUES["fat"]
    recovered = 1 - np.exp(-2000 / tissue.t1_ms)
    expected = tissue.density * recovered * np.exp(-100 / tissue.t2_ms)
    assert found == pytest.approx(expected)


def test_long_echoes_leave_fluid_and_long_waits_leave_it_most():
    def spin_echo(name, tr_ms, te_ms):
        return contrast.spin_echo(TISSUES[name], Fixed(tr_ms, te_ms), Priors())

    assert spin_echo("fluid", 5000, 80) > 4 * spin_echo("cartilage", 5000, 80)
    assert spin_echo("fluid", 1500, 10) < spin_echo("cartilage", 1500, 10)
    assert spin_echo("cortex", 3000, 10) < 1e-4


def test_the_brightest_tissue_is_one_and_fat_is_mostly_dark():
    priors = Priors(cartilage_contrast=0.0, joint_contrast=0.0)
    drawn = [contrast.draw(np.random.default_rng(s), priors) for s in range(300)]
    for signal in drawn:
        assert set(signal) == set(TISSUES)
        assert max(signal.values()) == 1 and min(signal.values()) >= 0
    suppressed = np.mean([signal["fat"] < 0.5 for signal in drawn])
    assert 0.6 < suppressed < 0.95
    assert np.mean([signal["air"] for signal in drawn]) < 0.05


def test_by_chance_alone_or_never():
    by_chance = Priors(random_contrast=1.0)
    never = Priors(random_contrast=0.0)
    seeds = range(40)
    shares = {
        priors: np.mean(
            [
                contrast.draw(np.random.default_rng(s), priors)["cortex"] > 0.3
                for s in seeds
            ]
        )
        for priors in (by_chance, never)
    }
    assert shares[by_chance] > 0.4 and shares[never] == 0


def least_difference(name, priors):
    """Between cartilage and another tissue, in a hundred images."""
    drawn = [contrast.draw(np.random.default_rng(s), priors) for s in range(100)]
    return min(abs(signal["cartilage"] - signal[name]) for signal in drawn)


ANY_AT_ALL = Priors(cartilage_contrast=0.0, joint_contrast=0.0)


def test_every_image_shows_cartilage_on_its_bone():
    shown = Priors(cartilage_contrast=0.3, random_contrast=0.5)
    assert least_difference("marrow", shown) >= 0.3
    assert least_difference("marrow", ANY_AT_ALL) < 0.02


@pytest.mark.parametrize("name", ["fluid", "fat", "meniscus", "tendon"])
def test_every_image_shows_where_cartilage_ends(name):
    shown = Priors(joint_contrast=0.1, random_contrast=0.5)
    assert least_difference(name, shown) >= 0.1
    assert least_difference(name, ANY_AT_ALL) < 0.05


@pytest.mark.parametrize("random_contrast", [0.0, 1.0])
def test_the_most_contrast_that_may_be_asked_for_is_found(random_contrast):
    most = Priors(
        cartilage_contrast=0.5, joint_contrast=0.2, random_contrast=random_contrast
    )
    assert least_difference("marrow", most) >= 0.5
