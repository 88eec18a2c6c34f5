import numpy as np
import pytest

from deepresolve.imaging.intensity import IntensityScale, estimate_scale, to_dtype


def test_bounds_go_to_zero_and_one():
    scale = IntensityScale(100, 300)
    np.testing.assert_array_equal(
        scale.apply(np.array([100, 200, 300, 400], np.int16)), [0, 0.5, 1, 1.5]
    )


def test_scaled_intensities_are_float32_and_never_clipped():
    scaled = IntensityScale(0, 10).apply(np.array([-5, 20], np.int16))
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(scaled, [-0.5, 2.0])


def test_inverse_returns_every_int16_value():
    values = np.arange(-32768, 32768, dtype=np.int16)
    scale = estimate_scale(values)
    back = np.rint(scale.invert(scale.apply(values))).astype(np.int16)
    np.testing.assert_array_equal(back, values)


def test_estimate_matches_numpy_percentiles():
    values = np.random.default_rng(0).gamma(2.0, 50.0, (20, 21, 22))
    scale = estimate_scale(values)
    assert scale == IntensityScale(
        np.quantile(values, 0.001), np.quantile(values, 0.999)
    )


def test_small_bright_object_in_air_falls_back_to_the_extremes():
    values = np.zeros((50, 50, 50), np.int16)
    values[0, 0, 0] = 7
    assert estimate_scale(values) == IntensityScale(0.0, 7.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_voxel_that_is_not_finite_is_refused(bad):
    values = np.linspace(0, 1, 100_000)
    values[7] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        estimate_scale(values)


def test_constant_image_is_refused():
    with pytest.raises(ValueError, match=r"Every voxel has the value 3\.0"):
        estimate_scale(np.full((4, 4, 4), 3.0))


@pytest.mark.parametrize("bounds", [(1, 1), (2, 1), (np.nan, 1), (0, np.inf)])
def test_impossible_bounds_are_refused(bounds):
    with pytest.raises(ValueError, match="low < high"):
        IntensityScale(*bounds)


def test_integer_output_is_rounded_and_held_in_range():
    array = np.array([-40000.0, -0.6, 0.4, 1.6, 40000.0], np.float32)
    expected = np.array([-32768, -1, 0, 2, 32767], np.int16)
    actual = to_dtype(array, np.int16)
    assert actual.dtype == np.int16
    np.testing.assert_array_equal(actual, expected)


def test_float_output_keeps_its_fractions():
    array = np.array([0.25, -7.5], np.float32)
    np.testing.assert_array_equal(to_dtype(array, np.float32), array)


@pytest.mark.parametrize("bits", [8, 16, 32, 64])
@pytest.mark.parametrize("kind", ["int", "uint"])
@pytest.mark.parametrize("source", [np.float32, np.float64])
def test_every_integer_holds_what_lies_beyond_its_ends(kind, bits, source):
    dtype = np.dtype(f"{kind}{bits}")
    smallest = -(2 ** (bits - 1)) if kind == "int" else 0
    largest = smallest + 2**bits - 1
    # float64 has 53 bits: below 2**63 its numbers are 2**10 apart, below 2**64 2**11.
    reachable = {"int64": 2**63 - 2**10, "uint64": 2**64 - 2**11}
    ends = to_dtype(np.array([-1e30, 1e30], source), dtype)
    assert ends.dtype == dtype
    assert ends.tolist() == [smallest, reachable.get(dtype.name, largest)]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16"])
@pytest.mark.parametrize("size", [2, 3, 500, 1001, 4096])
def test_the_scale_is_numpys_percentiles_to_the_last_bit(dtype, size):
    rng = np.random.default_rng(size)
    bounds = np.iinfo(dtype)
    for low, high in [(bounds.min, bounds.max), (-3, 4), (100, 120)]:
        low = max(low, bounds.min)
        array = rng.integers(low, high, size, dtype, endpoint=True)
        array[:2] = low, high  # never all alike
        scale = estimate_scale(array[::-1])
        # NumPy 1.26 lets the difference of two 16-bit integers overflow.
        expected = np.percentile(array.astype(np.int64), (0.1, 99.9))
        assert (scale.low, scale.high) == tuple(expected)
