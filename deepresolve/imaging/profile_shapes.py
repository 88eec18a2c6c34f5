"""Which slice profiles have a name; apart, because flags need it before SciPy."""

import pathlib

SHAPES = ("rect", "gaussian", "fir")


def is_file(name: str) -> bool:
    """Whether this is the name of a measured profile's file and of no shape.

    A file's name has a suffix or a folder, so that a shape that is misspelt is none.
    """
    path = pathlib.PurePath(name)
    return name not in SHAPES and (bool(path.suffix) or path.name != name)
