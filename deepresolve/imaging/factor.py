"""Which downsample factors there are; apart, because flags need it before SciPy."""

MIN_FACTOR, MAX_FACTOR = 2, 8  # the range of Chaudhari et al., MRM 2018


def check_factor(factor: int) -> int:
    """Returns `factor`; ValueError unless it is a whole number from 2 to 8."""
    if factor != int(factor) or not MIN_FACTOR <= factor <= MAX_FACTOR:
        raise ValueError(
            f"A downsample factor is a whole number from {MIN_FACTOR} to {MAX_FACTOR}; "
            f"got {factor}."
        )
    return int(factor)
