"""Packages that an import may ask for, and does without where they are missing.

Keras 3 imports Matplotlib for its galleries and scikit-learn, which brings SciPy's
statistics, for its wrappers, wherever they are installed: a third of the time that
`import tensorflow` takes. What we use of them is imported where it is needed.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

OF_KERAS = ("matplotlib", "sklearn")


@contextlib.contextmanager
def left_out(names: tuple[str, ...] = OF_KERAS) -> Iterator[None]:
    """Within this context the packages are missing, unless they are imported already.

    In all threads. Afterwards they can be imported as ever; what asked for them within
    goes on without them.
    """
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
