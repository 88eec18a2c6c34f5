"""How probable something is along the cartilage: on plates laid flat, one scale.

The page is that of the thickness (`thickness_figure`), so that both can be held beside
each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib import colors
from matplotlib.cm import ScalarMappable

from deepresolve.quantification.unrolled import FlatPlate
from deepresolve.reports import thickness_figure
from deepresolve.reports.thickness_figure import Paint

_COLOUR_MAP = "magma"
_NORM = colors.Normalize(0, 1)


def draw(
    plates: Sequence[FlatPlate],
    probabilities: Mapping[str, np.ndarray],
    grade: str,
    headline: str,
    notes: Sequence[str] = (),
) -> bytes:
    """Draws the plates that there are.

    Args:
      plates: by `unrolled.flatten`, of one knee.
      probabilities: of each plate (r, c), 0 to 1, on its grid; NaN outside.
      grade: what they are probabilities of.
      headline: which knee it is, its side included.
      notes: what makes the numbers worse than they look.

    Returns:
      A PNG file.
    """

    def rgb(plate: FlatPlate) -> np.ndarray:
        of_scale = mpl.colormaps[_COLOUR_MAP](_NORM(probabilities[plate.name]))
        return np.rint(255 * of_scale[..., :3]).astype(np.uint8)

    paint = Paint(
        rgb, ScalarMappable(_NORM, _COLOUR_MAP), f"probability of {grade}", "neither"
    )
    return thickness_figure.draw(plates, headline, notes, paint)
