"""Depth and regions of cartilage on plates and shells whose depth is known."""

import numpy as np
import pytest

from deepresolve.imaging.volume import Volume
from deepresolve.quantification.knee import measure
from deepresolve.quantification.relaxation import layers
from deepresolve.simulation import phantom

NAMES = {1: "femoral cartilage", 5: "femur"}
BONE_MM, SURFACE_MM = 20.0, 24.0


def shell(spacing_mm=(0.7, 0.7, 1.0), cut=True):
    """Half a ball of bone with 4 mm of cartilage, on an oblique grid."""
    shape = tuple(int(2 * 28 / s) for s in spacing_mm)
    turn = np.array([[0, 0.28, 0.96], [-1, 0, 0], [0, -0.96, 0.28]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(spacing_mm)
    affine[:3, 3] = (5, -7, 11) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    radius = radii(Volume(np.zeros(shape, np.uint8), affine))
    label = np.where(radius < BONE_MM, 5, np.where(radius < SURFACE_MM, 1, 0))
    return Volume(label.astype(np.uint8), affine)


def radii(volume):
    """Distance of each voxel from the ball's middle, mm."""
    at = np.moveaxis(np.indices(volume.shape), 0, -1) @ volume.affine[:3, :3].T
    return np.linalg.norm(at + volume.affine[:3, 3] - (5, -7, 11), axis=-1)


def rows(found, array):
    """Mean of a map and number of voxels, by place and layer."""
    for place, layer, plate, mask in layers.places(found):
        values = np.asarray(array).reshape(-1)[found.plates[plate][mask]]
        yield {
            **{"place": place, "layer": layer, "num_voxels": values.size},
            "mean": values.mean(),
        }


@pytest.fixture(scope="module")
def ball():
    label = shell()
    return measure(label, NAMES), label


def test_depth_grows_evenly_from_bone_to_surface(ball):
    knee, label = ball
    found = layers.of_knee(knee, label, NAMES, label)
    expected = (radii(label) - BONE_MM) / (SURFACE_MM - BONE_MM)
    voxels = found.plates["F"]
    np.testing.assert_array_equal(voxels, np.flatnonzero(label.array == 1))
    off = found.depths["F"] - expected.ravel()[voxels]
    assert np.abs(off).mean() < 0.03 and np.quantile(np.abs(off), 0.99) < 0.12
    depth = found.depth_map(label).array
    assert np.isnan(depth[label.array != 1]).all()
    np.testing.assert_array_equal(
        depth[label.array == 1], found.depths["F"].astype("f")
    )


@pytest.mark.parametrize("plane", ["coronal", "axial"])
def test_the_map_may_lie_on_another_grid(ball, plane):
    """Thicker slices in another order of axes, and a T2 that grows with depth."""
    knee, label = ball
    other = shell(spacing_mm=(1.1, 0.6, 2.0)).in_plane(plane)
    expected = (radii(other) - BONE_MM) / (SURFACE_MM - BONE_MM)
    found = layers.of_knee(knee, label, NAMES, other)
    off = found.depths["F"] - expected.ravel()[found.plates["F"]]
    assert np.abs(off).mean() < 0.05
    t2 = 30 + 20 * expected
    told = {(r["place"], r["layer"]): r for r in rows(found, t2)}
    # Of radii r² dr between 20, 22 and 24 mm: 30 + 20 depth in the mean.
    for layer, low, high in (
        ("deep", 20, 22),
        ("superficial", 22, 24),
        ("all", 20, 24),
    ):
        r = np.linspace(low, high, 1001)
        mean = np.average(30 + 20 * (r - 20) / 4, weights=r**2)
        assert told["F", layer]["mean"] == pytest.approx(mean, abs=0.6), layer


def test_cartilage_outside_of_the_map_is_told(ball):
    knee, label = ball
    half = label.crop((slice(None), slice(None), slice(0, label.shape[2] // 2)))
    found = layers.of_knee(knee, label, NAMES, half)
    assert found.notes == (
        "50% of the cartilage of F lies outside of the map's field of view and is not "
        "counted.",
    )
    corner = label.crop((slice(0, 4),) * 3)
    with pytest.raises(ValueError, match="No voxel of the map lies in the cartilage"):
        layers.of_knee(knee, label, NAMES, corner)


@pytest.fixture(scope="module")
def drawn():
    label = phantom.labelled(
        seed=7, shape=(80, 80, 40), spacing_mm=(1.5, 1.5, 2.0)
    ).label
    return measure(label, phantom.LABEL_NAMES), label


def test_layers_and_regions_share_out_a_plate(drawn):
    knee, label = drawn
    found = layers.of_knee(knee, label, phantom.LABEL_NAMES, label)
    counts = {
        (r["place"], r["layer"]): r["num_voxels"]
        for r in rows(found, np.ones(label.shape))
    }
    assert {"F", "MT", "LT", "P", "cMT", "ecLF", "TrF"} <= {p for p, _ in counts}
    for value, plate in ((1, "F"), (2, "MT"), (3, "LT"), (4, "P")):
        assert counts[plate, "all"] == np.count_nonzero(label.array == value)
    for place, _ in counts:
        halves = counts[place, "deep"] + counts[place, "superficial"]
        assert halves == counts[place, "all"]
        assert 0.3 < counts[place, "deep"] / halves < 0.7, place
    for layer in layers.LAYERS:
        parts = ("cMT", "aMT", "pMT", "eMT", "iMT")
        assert sum(counts[p, layer] for p in parts) == counts["MT", layer]
        parts = ("TrF", "cMF", "pMF", "cLF", "pLF")
        assert sum(counts[p, layer] for p in parts) == counts["F", layer]
        thirds = sum(counts[p, layer] for p in ("ccMF", "ecMF", "icMF"))
        assert thirds == counts["cMF", layer]


def test_regions_have_the_share_that_their_bone_has(drawn):
    """Where cartilage is evenly thick: volume by voxels as by the measured table."""
    knee, label = drawn
    found = layers.of_knee(knee, label, phantom.LABEL_NAMES, label)
    voxel_mm3 = label.voxel_mm3
    for row in rows(found, np.ones(label.shape)):
        if row["layer"] == "all":
            volume_mm3 = knee.quantities[row["place"]]["VC"]
            assert row["num_voxels"] * voxel_mm3 == pytest.approx(volume_mm3, rel=1e-6)


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_tibia_in_one_label_has_the_layers_of_its_two_plates(drawn, side):
    """As OAI-ZIB has it: the bone that is near tells medial from lateral."""
    own, label = drawn
    if side == "left":  # The mirror image of the right knee that was drawn.
        label = label.with_array(label.array[:, :, ::-1])
    names = {1: "femoral cartilage", 2: "tibial cartilage", 5: "femur", 6: "tibia"}
    joined = label.with_array(np.where(label.array == 3, 2, label.array))
    knee = measure(joined, names, known_side=side)
    assert set(knee.regions) == set(own.regions)
    found = layers.of_knee(knee, joined, names, joined)
    for value, plate in ((1, "F"), (2, "MT"), (3, "LT")):
        voxels = np.flatnonzero(label.array == value)
        np.testing.assert_array_equal(found.plates[plate], voxels)
    # The patient's left half, of which the lateral plate has none or all.
    half = joined.crop((slice(None), slice(None), slice(0, 20)))
    (note,) = (
        note
        for note in layers.of_knee(knee, joined, names, half).notes
        if note.startswith("100%")
    )
    assert f"of {'LT' if side == 'right' else 'MT'} lies outside" in note


def test_names_that_were_not_measured_are_refused(ball):
    knee, label = ball
    with pytest.raises(ValueError, match="no voxel of plate F, which was measured"):
        layers.of_knee(knee, label, {2: "femoral cartilage", 5: "femur"}, label)


def test_regions_lie_where_their_names_say(drawn):
    """A map of places in the world: to the front, and to the side of a right knee."""
    knee, label = drawn
    grid = label.in_plane("axial")
    found = layers.of_knee(knee, label, phantom.LABEL_NAMES, grid)
    at = np.moveaxis(np.indices(grid.shape), 0, -1) @ grid.affine[:3, :3].T
    at += grid.affine[:3, 3]
    right, front = (
        {r["place"]: r["mean"] for r in rows(found, at[..., axis])} for axis in (0, 1)
    )
    for side in "ML":
        assert front[f"a{side}T"] > front[f"c{side}T"] + 5 > front[f"p{side}T"] + 10
        assert front["TrF"] > front[f"c{side}F"] > front[f"p{side}F"]
    # Lateral is to the right, and external away from the middle.
    order = ("eMT", "cMT", "iMT", "iLT", "cLT", "eLT")
    assert np.diff([right[name] for name in order]).min() > 3
    order = ("ecMF", "ccMF", "icMF", "icLF", "ccLF", "ecLF")
    assert np.diff([right[name] for name in order]).min() > 3
