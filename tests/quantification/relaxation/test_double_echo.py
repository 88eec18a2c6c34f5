"""T2 of a double echo against a formula's table and against spins in steady state."""

import numpy as np
import pytest

from deepresolve.quantification.relaxation import double_echo

SEQUENCES = ((16.3, 4.7, 25.0), (17.6, 6.0, 30.0), (20.4, 6.4, 20.0))


@pytest.mark.parametrize(
    ("t2_ms", "ratio", "expected"),
    [
        (20, 0.2764, 20.06),
        (30, 0.4082, 30.26),
        (40, 0.4969, 40.70),
        (60, 0.6064, 62.57),
        (80, 0.6713, 86.2),
    ],
)
def test_the_ratio_of_both_echoes_tells_t2(t2_ms, ratio, expected):
    tr_ms, te_ms, degrees = SEQUENCES[0]
    given = {"tr_ms": tr_ms, "te_ms": te_ms, "flip_degrees": degrees}
    found = double_echo.t2(np.array([100.0]), np.array([100 * ratio]), **given)
    assert found[0] == pytest.approx(expected, abs=0.05)
    assert found[0] == pytest.approx(t2_ms, rel=0.08)


def dess(t2_ms, tr_ms, te_ms, degrees, t1_ms=1200.0, num=400):
    """Both echoes of a double echo in its steady state: extended phase graphs.

    A pulse about one axis, TR, and a spoiler that winds up one cycle, until nothing
    changes; the second echo is what the next pulse finds unwound, TE before it.
    """
    angle, size = np.radians(degrees), 80
    half, cosine = np.cos(angle / 2) ** 2, np.cos(angle)
    mixing = np.array(
        [
            [half, 1 - half, -1j * np.sin(angle)],
            [1 - half, half, 1j * np.sin(angle)],
            [-0.5j * np.sin(angle), 0.5j * np.sin(angle), cosine],
        ]
    )
    e1, e2 = np.exp(-tr_ms / t1_ms), np.exp(-tr_ms / t2_ms)
    plus, minus, along = np.zeros((3, size), complex)
    along[0] = 1
    for _ in range(num):
        plus, minus, along = mixing @ np.stack([plus, minus, along])
        first = abs(plus[0]) * np.exp(-te_ms / t2_ms)
        plus, minus, along = plus * e2, minus * e2, along * e1
        along[0] += 1 - e1
        plus = np.concatenate([[np.conj(minus[1])], plus[:-1]])
        minus = np.concatenate([minus[1:], [0]])
        minus[0] = np.conj(plus[0])
        second = abs(minus[0]) * np.exp(te_ms / t2_ms)
    return first, second


@pytest.mark.parametrize(
    ("sequence", "expected"),
    [
        (SEQUENCES[0], (20.06, 30.26, 40.70, 62.57, 86.2)),
        (SEQUENCES[1], (20.03, 30.14, 40.38, 61.4, 83.5)),
        (SEQUENCES[2], (20.1, 30.5, 41.3, 64.9, 92.2)),
    ],
)
def test_t2_of_spins_followed_into_their_steady_state(sequence, expected):
    """The formula's own error, of another simulation, in three protocols."""
    tr_ms, te_ms, degrees = sequence
    given = {"tr_ms": tr_ms, "te_ms": te_ms, "flip_degrees": degrees}
    for t2_ms, told in zip((20.0, 30.0, 40.0, 60.0, 80.0), expected, strict=True):
        echoes = dess(t2_ms, *sequence)
        found = double_echo.t2(*(np.array([echo]) for echo in echoes), **given)[0]
        assert found == pytest.approx(told, abs=0.1)
        if t2_ms <= 40:
            assert found == pytest.approx(t2_ms, rel=0.05)


def test_error_of_a_double_echo_is_its_spread():
    tr_ms, te_ms, degrees = SEQUENCES[0]
    given = {"tr_ms": tr_ms, "te_ms": te_ms}
    random = np.random.default_rng(3)
    first, second = np.array([[100.0], [45.0]]) + random.normal(size=(2, 50_000))
    t2_ms = double_echo.t2(first, second, **given, flip_degrees=degrees)
    error = double_echo.error(first, second, t2_ms, **given, noise=1.0)
    assert np.median(error) == pytest.approx(np.std(t2_ms), rel=0.03)


def test_what_tells_no_t2_has_none():
    given = {"tr_ms": 16.3, "te_ms": 4.7, "flip_degrees": 25.0}
    first = np.array([100.0, 0, 100, -3, np.nan])
    second = np.array([0.0, 30, 130, 5, 4])
    assert np.isnan(double_echo.t2(first, second, **given)).all()
    with pytest.raises(ValueError, match="not one scan"):
        double_echo.t2(first, second[:2], **given)
    with pytest.raises(ValueError, match="0 < te_ms < tr_ms"):
        double_echo.t2(first, second, **{**given, "te_ms": 20})


def test_diffusion_through_the_spoiler_shortens_what_would_be_found():
    given = {"tr_ms": 16.3, "te_ms": 4.7, "flip_degrees": 25.0}
    echoes = np.array([100.0]), np.array([45.0])
    plain = double_echo.t2(*echoes, **given)[0]
    spoiled = double_echo.t2(
        *echoes, **given, spoiler_gauss_per_cm=1.5, spoiler_ms=3.4
    )[0]
    assert plain < spoiled
