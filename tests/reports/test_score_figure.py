"""Colours of probabilities on a plate laid flat."""

import io

import matplotlib as mpl
import numpy as np
from matplotlib import image
from slab_knees import LABEL_NAMES, slab_knee

from deepresolve.quantification import unrolled
from deepresolve.quantification.knee import measure
from deepresolve.reports import score_figure


def test_a_plate_has_the_colour_of_its_probability():
    knee = measure(slab_knee(4).label, LABEL_NAMES)
    plates = [unrolled.flatten(knee, name) for name in ("MT", "LT")]
    for value in (0.2, 0.9):
        flat = {
            plate.name: np.where(np.isnan(plate.thickness_mm), np.nan, value)
            for plate in plates
        }
        drawn = score_figure.draw(plates, flat, "lesion", "knee", ["a note"])
        pixels = image.imread(io.BytesIO(drawn))[..., :3]
        # Matplotlib's own map of colours, as a file of 8 bits has them.
        expected = np.array(mpl.colormaps["magma"](value)[:3])
        is_plate = np.abs(pixels - expected).max(axis=-1) < 2 / 255
        assert is_plate.mean() > 0.05
