"""Figures look alike whatever a matplotlibrc or a notebook says."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import matplotlib as mpl

_P = ParamSpec("_P")
_R = TypeVar("_R")


def own(draw: Callable[_P, _R]) -> Callable[_P, _R]:
    """Makes a function draw with Matplotlib's defaults; the user's stay theirs.

    A dark style would be white on white in a report, and text.usetex needs LaTeX.
    """

    @functools.wraps(draw)
    def styled(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with mpl.rc_context():
            mpl.rcdefaults()
            return draw(*args, **kwargs)

    return styled
