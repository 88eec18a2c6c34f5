"""Which slice profiles have a name; apart, because flags need it before SciPy."""

SHAPES = ("rect", "gaussian", "fir")
