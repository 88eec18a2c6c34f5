"""The picture that `inspect` draws."""

import io

import numpy as np
import pytest
from matplotlib.image import imread

from deepresolve.imaging.volume import Volume
from records import conversion, manifest, reader
from records.inspection.contact_sheet import ContactSheet, slice_to_show

# Canonical axes already (IPL), rows 0.5 mm and columns 1 mm apart.
AFFINE = np.array([[0, 0, -2, 0], [0, -1, 0, 0], [-0.5, 0, 0, 0], [0, 0, 0, 1]])


@pytest.fixture
def draw(tmp_path):
    """Draws a set of shards; gives the number of subjects and the (.., 3) pixels."""

    def draw(records_dir, max_subjects=64):
        described = manifest.load(str(records_dir))
        total = sum(described.counts.values())
        sheet = ContactSheet(total, described.label_names, max_subjects=max_subjects)
        for split, stored in reader.all_subjects(str(records_dir), described):
            sheet.add(stored, split)
        path = tmp_path / "sheet.png"
        sheet.save(str(path))
        pixels = imread(io.BytesIO(path.read_bytes()), format="png")
        return sheet.num_drawn, pixels[..., :3]

    return draw


@pytest.fixture
def draw_one(make_subject, make_recipe, tmp_path_factory, draw):
    """Draws a single scan of given voxels and labels."""

    def draw_one(array, label, label_names):
        subject = make_subject(image=Volume(array, AFFINE), labelled=False)
        if label is not None:
            object.__setattr__(subject, "label", subject.image.with_array(label))
        recipe = make_recipe([subject], split=(0, 0, 100), label_names=label_names)
        folder = tmp_path_factory.mktemp("one")
        conversion.convert(recipe, str(folder))
        return draw(folder)[1]

    return draw_one


def saturated(pixels):
    """Which pixels are coloured, not grey."""
    return pixels.max(axis=2) - pixels.min(axis=2) > 0.3


def test_all_subjects_are_drawn(records_dir, draw):
    drawn, pixels = draw(records_dir)
    assert drawn == 6
    assert pixels.std() > 0.1


def test_fewer_are_drawn_where_there_are_many(records_dir, draw):
    assert draw(records_dir, max_subjects=4)[0] == 4
    with pytest.raises(ValueError, match="max_subjects must be 1 or more; got 0"):
        draw(records_dir, max_subjects=0)


def test_there_must_be_subjects():
    with pytest.raises(ValueError, match="no subjects to draw"):
        ContactSheet(0, {}, max_subjects=4)


@pytest.mark.parametrize("labelled", [True, False])
def test_a_square_of_unequal_pixels_is_drawn_square(draw_one, labelled):
    array = np.zeros((80, 40, 3), np.int16)
    array[20:60, 10:30] = 100  # 20 x 20 mm
    if labelled:
        pixels = draw_one(array, (array > 0).astype(np.uint8), {1: "square"})
    else:
        pixels = draw_one(array, None, {})
    square = pixels[pixels.shape[0] // 2 :].min(axis=2) > 0.95
    width = square.any(axis=0).sum()
    white = pixels[:, pixels.shape[1] // 2].min(axis=1) > 0.95
    # From the first to the last white row, below the caption.
    rows = np.flatnonzero(white[90:])
    assert rows[-1] - rows[0] + 1 == pytest.approx(width, abs=4)
    assert saturated(pixels).any() == labelled


def test_every_name_has_its_colour_in_the_legend(draw_one):
    # One label is drawn, three are named: what else is coloured is the legend.
    array = np.zeros((80, 40, 3), np.int16)
    array[20:60, 10:30] = 100
    label = (array > 0).astype(np.uint8)
    names = {1: "femoral cartilage", 2: "medial tibial cartilage", 3: "femur"}
    below = {}
    for count in (1, 3):
        shown = {value: names[value] for value in range(1, count + 1)}
        pixels = draw_one(array, label, shown)
        below[count] = pixels[-int(0.2 * 150 * count) :]
    assert colours(below[1]) == {0}
    assert len(colours(below[3])) == 3


def colours(pixels):
    """Hues that occur, in sixths of the circle."""
    chosen = pixels[saturated(pixels)]
    red, green, blue = chosen.T
    angle = np.degrees(np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue))
    values, counts = np.unique(np.round(angle / 60).astype(int) % 6, return_counts=True)
    return set(values[counts > 20].tolist())


@pytest.mark.parametrize(("inner", "outer"), [(1, 2), (2, 1)])
def test_the_line_of_a_label_within_another_is_seen(draw_one, inner, outer):
    label = np.zeros((80, 40, 3), np.uint8)
    label[20:60, 10:30] = outer
    label[35:45, 18:23] = inner
    pixels = draw_one(np.zeros_like(label, np.int16) + label, label, {1: "a", 2: "b"})
    legend_rows = int(0.2 * 150 * 2)
    # 1 is red and 2 blue: the hues 0 and 220 degrees.
    assert colours(pixels[:-legend_rows]) == {0, 4}


def test_the_slice_shows_most_of_the_labels():
    label = np.zeros((10, 12, 9), np.uint8)
    assert slice_to_show(label) == 4  # nothing labelled: the middle
    label[:, :, 6] = 5  # much bone
    label[:, :, 7] = 5
    assert slice_to_show(label) == 6
    label[0, :3, 2] = 1  # little cartilage, of which slice 2 has three quarters
    label[0, 0, 1] = 1
    # Shares by hand: slice 2 has .75 of label 1; slices 6 and 7 half of label 5 each.
    assert slice_to_show(label) == 2
    label[0, :9, 7] = 1
    # Slice 7 now has 9 of 13, and 111 of 231.
    assert slice_to_show(label) == 7


def test_the_labelled_slice_is_the_one_that_is_drawn(draw_one):
    array = np.zeros((80, 40, 9), np.int16)
    array[..., 7] = 100
    label = np.zeros_like(array, dtype=np.uint8)
    label[30:50, 15:25, 7] = 1
    white = draw_one(array, label, {1: "square"}).min(axis=2) > 0.95
    # Slices 0 to 6 and 8 are black; the panel takes most of the picture.
    assert white.mean() > 0.5
