"""The picture that `inspect` draws."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from deepresolve.imaging.volume import Volume
from records import contact_sheet, conversion


def draw(records_dir, path, max_subjects=64):
    drawn = contact_sheet.draw(str(records_dir), str(path), max_subjects=max_subjects)
    return drawn, imread(io.BytesIO(path.read_bytes()), format="png")[..., :3]


def test_all_subjects_are_drawn(records_dir, tmp_path):
    drawn, pixels = draw(records_dir, tmp_path / "sheet.png")
    assert drawn == 6
    assert pixels.std() > 0.1


def test_fewer_are_drawn_where_there_are_many(records_dir, tmp_path):
    assert draw(records_dir, tmp_path / "sheet.png", max_subjects=4)[0] == 4
    with pytest.raises(ValueError, match="max_subjects must be 1 or more; got 0"):
        draw(records_dir, tmp_path / "sheet.png", max_subjects=0)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_square_of_unequal_pixels_is_drawn_square(
    make_subject, make_recipe, tmp_path, labelled
):
    # Canonical axes already (IPL), rows 0.5 mm and columns 1 mm apart: 40 x 20 voxels
    # are 20 x 20 mm.
    affine = np.array([[0, 0, -2, 0], [0, -1, 0, 0], [-0.5, 0, 0, 0], [0, 0, 0, 1]])
    array = np.zeros((80, 40, 3), np.int16)
    array[20:60, 10:30] = 100
    subject = make_subject(image=Volume(array, affine), labelled=False)
    if labelled:
        label = (array > 0).astype(np.uint8)
        object.__setattr__(subject, "label", subject.image.with_array(label))
    recipe = make_recipe([subject], split=(0, 0, 100))
    conversion.convert(recipe, str(tmp_path / "records"))
    _, pixels = draw(tmp_path / "records", tmp_path / "sheet.png")
    square = pixels[pixels.shape[0] // 2 :].min(axis=2) > 0.95
    width = square.any(axis=0).sum()
    white = pixels[:, pixels.shape[1] // 2].min(axis=1) > 0.95
    # From the first to the last white row, below the caption.
    rows = np.flatnonzero(white[60:])
    assert rows[-1] - rows[0] + 1 == pytest.approx(width, abs=3)
    coloured = pixels.max(axis=2) - pixels.min(axis=2) > 0.3
    assert coloured.any() == labelled
