"""One scale of thickness for figures, meshes and pages, the same for every knee."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib import colors

# mm. The thickest hundredth of tibial and femoral plates is 2.6 to 3.2 mm on average in
# the OAI's readings (kMRI_POMA_TKR_Chondrometrics); patellae have more.
MOST_MM = 5
# Even in lightness, for all kinds of colour vision.
COLOUR_MAP = "viridis"
# Okabe and Ito's vermilion, which the map does not have.
DENUDED = "#d55e00"


def stops(number: int) -> list[str]:
    """Colours from 0 to `MOST_MM`, evenly spaced, as "#rrggbb"."""
    shades = mpl.colormaps[COLOUR_MAP](np.linspace(0, 1, number))
    return [colors.to_hex(shade) for shade in shades]
