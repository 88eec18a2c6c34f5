import dataclasses
import itertools

import keras
import nibabel as nib
import numpy as np
import pytest
from nibabel import orientations

from deepresolve import networks
from deepresolve.imaging.intensity import estimate_scale
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.inference import windowed
from deepresolve.inference.streaming import StreamedModel
from deepresolve.inference.tiling import tiled
from deepresolve.runs.workdir import Workdir
from deepresolve.tasks.segmentation.models import MODELS
from deepresolve.tasks.segmentation.segmenter import Segmenter
from deepresolve.tasks.segmentation.settings import SegmentationConfig
from deepresolve.tasks.trained_run import TrainedRun

CODES = [
    "".join(signs[axis] for axis, signs in zip(order, picks, strict=True))
    for order in itertools.permutations(range(3))
    for picks in itertools.product(("RAS", "LPI"), repeat=3)
]
NEXT_SLICE = (1, 1, 2)  # of a 3x3x3 kernel


def canonical_scan():
    """Sagittal, oblique, rows down, anterior left: what `canonical` gives (IPL)."""
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = -0.4, -0.5, -1.5
    turn = nib.eulerangles.euler2mat(0.1, -0.2, 0.15)
    affine[:3, :3] = turn @ affine[:3, :3]
    affine[:, 3] = (3, -4, 5, 1)
    array = np.random.default_rng(0).integers(0, 900, (10, 9, 8)).astype(np.int16)
    return array, affine


def reoriented(array, affine, codes):
    """The same voxels in other axes, by nibabel."""
    image = nib.Nifti1Image(array, affine)
    transform = orientations.ornt_transform(
        orientations.io_orientation(affine), orientations.axcodes2ornt(codes)
    )
    return image.as_reoriented(transform)


@pytest.mark.parametrize("codes", CODES)
def test_label_map_lies_on_the_scan_in_all_48_orientations(shifted, codes):
    array, affine = canonical_scan()
    bright = estimate_scale(array).apply(array) > 0.5
    expected = np.zeros_like(array, np.uint8)
    expected[:, :, :-1] = bright[:, :, 1:]  # zeros lie beyond the last slice
    scan = reoriented(array, affine, codes)
    slice_axis = next(axis for axis, code in enumerate(codes) if code in "LR")
    label_map = shifted.segment(
        Volume(np.asarray(scan.dataobj), scan.affine, slice_axis)
    )
    assert label_map.array.dtype == np.uint8
    assert label_map.slice_axis == slice_axis
    np.testing.assert_allclose(label_map.affine, scan.affine, atol=1e-9)
    np.testing.assert_array_equal(
        label_map.array, np.asarray(reoriented(expected, affine, codes).dataobj)
    )


@pytest.fixture(scope="module")
def shifted(threshold):
    """Says of a voxel what is true of its neighbour in the next canonical slice."""
    return threshold(NEXT_SLICE)


def test_canonical_scan_stays_canonical(shifted):
    scan = Volume(*canonical_scan()).canonical()
    label_map = shifted.segment(scan)
    assert label_map.orientation == scan.orientation
    assert label_map.to_source is not None


def test_probabilities_are_those_of_the_classes(seg_workdir):
    scan = Volume(*canonical_scan())
    segmenter = Segmenter.from_run(TrainedRun.open(seg_workdir.path))
    label_map, by_class = segmenter.segment_with_probabilities(scan)
    assert tuple(by_class) == ("femoral cartilage", "menisci")
    classes = [volume.array for volume in by_class.values()]
    every = np.stack([1 - sum(classes), *classes])  # the background's is the rest
    np.testing.assert_array_equal(label_map.array, every.argmax(axis=0))
    assert len(np.unique(label_map.array)) > 1
    for volume in by_class.values():
        assert volume.array.dtype == np.float32
        np.testing.assert_array_equal(volume.affine, scan.affine)


@pytest.fixture
def mirror_images():
    """A right knee and the left knee that is its mirror image: world x is reversed."""
    right = reoriented(*canonical_scan(), "RAS")  # slices first
    array, mirror = np.asarray(right.dataobj), np.diag([-1.0, 1.0, 1.0, 1.0])
    return Volume(array, right.affine, 0), Volume(array, mirror @ right.affine, 0)


def test_left_and_right_knee_hold_as_much(threshold, mirror_images):
    right, left = (threshold().segment(knee) for knee in mirror_images)
    np.testing.assert_array_equal(right.array, left.array)


def test_flips_make_a_lopsided_network_fair(shifted, threshold, mirror_images):
    right, left = (shifted.segment(knee).array for knee in mirror_images)
    assert np.any(right != left)
    fair = threshold(NEXT_SLICE, flips=True)
    right, left = (
        fair.segment_with_probabilities(knee)[1]["femoral cartilage"].array
        for knee in mirror_images
    )
    np.testing.assert_allclose(right, left, atol=1e-6)


def test_flips_change_nothing_for_a_network_that_is_symmetric(threshold):
    array, _ = canonical_scan()
    scaled = estimate_scale(array).apply(array)
    for axis in range(3):
        np.testing.assert_allclose(
            threshold(flips=True).probabilities(scaled, axis),
            threshold().probabilities(scaled),
            atol=1e-6,
        )


def test_flips_average_with_the_mirror_image(shifted, threshold):
    scaled = np.random.default_rng(1).random((6, 5, 7), np.float32)
    plain = shifted.probabilities(scaled)
    mirrored = shifted.probabilities(scaled[:, :, ::-1])[:, :, ::-1]
    fair = threshold(NEXT_SLICE, flips=True)
    np.testing.assert_allclose(
        fair.probabilities(scaled, left_right=2), (plain + mirrored) / 2, atol=1e-6
    )


def test_flips_let_left_and_right_classes_change_places(one_convolution):
    classes = ("left meniscus", "right meniscus")
    options = (np.zeros((3, 3, 3, 3)), (0, 2, 1), classes)  # the same everywhere
    softmax = np.exp([0, 2, 1]) / np.exp([0, 2, 1]).sum()
    scaled = np.zeros((4, 4, 4), np.float32)
    plain = one_convolution(*options).probabilities(scaled)
    fair = one_convolution(*options, flips=True).probabilities(scaled, 2)
    np.testing.assert_allclose(plain[0, 0, 0], softmax, rtol=1e-5)
    both = softmax[1:].mean()
    np.testing.assert_allclose(fair[0, 0, 0], [softmax[0], both, both], rtol=1e-5)


def canonical(array, orientation="IPL"):
    """A canonical scan of these voxels."""
    affine = affine_along_axes(orientation, (1.0, 1.0, 1.0))
    return Volume(array.astype(np.float32), affine, slice_axis=2).canonical()


def test_flips_need_to_know_left_from_right(threshold, one_convolution):
    with pytest.raises(ValueError, match="which axis"):
        threshold(flips=True).probabilities(np.zeros((4, 4, 4)))
    kernel, bias = np.zeros((3, 3, 3, 2)), (0, 0)
    with pytest.raises(ValueError, match="none of the classes"):
        one_convolution(kernel, bias, ("left femur",), flips=True)


def test_flips_across_slices_are_refused_where_each_is_seen_alone(one_convolution):
    options = (np.zeros((3, 3, 3, 2)), (0, 0), ("femur",), "segnet_2d")
    segmenter = one_convolution(*options, flips=True)
    scaled = np.zeros((4, 4, 4), np.float32)
    with pytest.raises(ValueError, match="segnet_2d sees one slice at a time"):
        segmenter.label_map(canonical(scaled))
    assert segmenter.label_map(canonical(scaled, "ILP")).shape == scaled.shape


@pytest.fixture
def windows(monkeypatch):
    """Lets seg_cnn, which is streamed, see windows as a network might that is not."""
    entry = dataclasses.replace(MODELS["seg_cnn"], engine="windows")
    monkeypatch.setitem(MODELS, "seg_cnn", entry)


def test_windows_give_what_streaming_gives(threshold, request):
    scaled = np.random.default_rng(2).random((20, 18, 17), np.float32)
    whole = threshold().label_map(canonical(scaled))
    request.getfixturevalue("windows")
    windowed = threshold(window_shape=(8, 8, 8)).label_map(canonical(scaled))
    assert 0 < whole.mean() < 1
    np.testing.assert_array_equal(windowed, whole)


def test_a_network_that_is_streamed_sees_no_window(threshold):
    with pytest.raises(ValueError, match="its engine is 'stream'"):
        threshold(window_shape=(8, 8, 8))


def test_labels_alone_take_no_probabilities(seg_workdir, monkeypatch):
    segmenter = Segmenter.from_run(TrainedRun.open(seg_workdir.path))
    scan = Volume(*canonical_scan())
    expected = segmenter.segment_with_probabilities(scan)[0]
    assert len(np.unique(expected.array)) > 1
    monkeypatch.delattr(StreamedModel, "__call__")
    np.testing.assert_array_equal(segmenter.segment(scan).array, expected.array)


@pytest.mark.parametrize("slices", [1, 3, 4, 100])
def test_slicewise_network_takes_any_number_of_slices(one_convolution, slices):
    kernel = np.zeros((3, 3, 3, 2))
    kernel[:, :, 1] = np.random.default_rng(3).normal(size=(3, 3, 2))
    options = (kernel, (0, 0), ("femur",), "segnet_2d")
    scaled = np.random.default_rng(4).random((12, 11, 10), np.float32)
    whole = one_convolution(*options, window_shape=(12, 11, 10))
    some = one_convolution(*options, window_shape=(12, 11, slices))
    np.testing.assert_allclose(
        some.probabilities(scaled), whole.probabilities(scaled), atol=1e-6
    )


@pytest.mark.parametrize(("model", "calls"), [("segnet_2d", 2), ("seg_cnn", 3)])
@pytest.mark.usefixtures("windows")
def test_slices_that_need_no_neighbours_go_through_once(
    one_convolution, monkeypatch, model, calls
):
    windows = []

    def spy(network, volume, window_shape, **options):
        def counted(x):
            windows.append(x.shape)
            return network(x)

        return tiled(counted, volume, window_shape, **options)

    monkeypatch.setattr(windowed, "tiled", spy)
    options = (np.zeros((3, 3, 3, 2)), (0, 0), ("femur",), model)
    segmenter = one_convolution(*options, window_shape=(12, 11, 5))
    segmenter.label_map(canonical(np.zeros((12, 11, 10))))
    assert windows == [(1, 12, 11, 5, 1)] * calls


@pytest.mark.usefixtures("windows")
def test_little_memory_means_windows(one_convolution):
    kernel = np.random.default_rng(5).normal(0, 0.3, (3, 3, 3, 2))
    scaled = np.random.default_rng(6).random((16, 9, 8), np.float32)
    whole, little, patches = (
        one_convolution(kernel, (0, 0), ("femur",), **options).probabilities(scaled)
        for options in ({}, {"memory_gib": 0.0}, {"window_shape": (8, 8, 8)})
    )
    np.testing.assert_array_equal(little, patches)  # its patch_shape
    # The edges of windows, where the network lacks neighbours, weigh a little.
    assert 0 < np.abs(little - whole).max() < 0.02


@pytest.mark.usefixtures("windows")
def test_scans_of_all_shapes_share_one_graph():
    traces = []

    class Counting(keras.layers.Layer):
        def call(self, inputs):
            traces.append(inputs.shape)
            return inputs

    # Keras calls layers once when the model is made, and once for each graph.
    inputs = keras.Input((None, None, None, 1))
    outputs = keras.layers.Conv3D(2, 1, activation="softmax")(Counting()(inputs))
    config = SegmentationConfig(model="seg_cnn", num_levels=2)
    segmenter = Segmenter(keras.Model(inputs, outputs), config)
    traces.clear()
    for size in range(3, 9):
        segmenter.label_map(canonical(np.zeros((size, 4, 5))))
    assert len(traces) == 1


# How far eight bits of mantissa go in one voxel depends on the processor's kernels.
@pytest.mark.parametrize(
    ("dtype", "largest", "mean"), [("float32", 1e-5, 1e-6), ("bfloat16", 0.15, 5e-3)]
)
def test_workdirs_network_is_what_computes(seg_workdir, dtype, largest, mean):
    scaled = np.random.default_rng(5).random((13, 14, 9), np.float32)
    segmenter = Segmenter.from_run(TrainedRun.open(seg_workdir.path), dtype=dtype)
    model = seg_workdir.load_model("best")
    expected = np.asarray(model(scaled[np.newaxis, ..., np.newaxis]))[0]
    probabilities = segmenter.probabilities(scaled)
    assert probabilities.dtype == np.float32
    difference = np.abs(probabilities - expected)
    assert difference.max() < largest and difference.mean() < mean
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-2)
    assert segmenter.class_names == ("femoral cartilage", "menisci")


def test_network_trained_in_bfloat16_computes_exactly(seg_workdir, tmp_path):
    config = seg_workdir.load_config()
    fast = networks.build_model(config, "mixed_bfloat16")
    fast.set_weights(seg_workdir.load_model("best").get_weights())
    run = Workdir(tmp_path)
    run.start(config.replace(precision="mixed_bfloat16"))
    run.save_model(fast, "best")
    scaled = np.random.default_rng(6).random((8, 8, 8), np.float32)
    exact = Segmenter.from_run(TrainedRun.open(seg_workdir.path)).probabilities(scaled)
    np.testing.assert_array_equal(
        Segmenter.from_run(TrainedRun.open(run.path)).probabilities(scaled), exact
    )


def test_run_of_the_other_task(silent_workdir):
    with pytest.raises(ValueError, match=r"for super_resolution; expected one for seg"):
        Segmenter.from_run(TrainedRun.open(silent_workdir.path))


def test_folder_that_is_no_run(tmp_path):
    with pytest.raises(ValueError, match=r"no config\.json"):
        Segmenter.from_run(TrainedRun.open(str(tmp_path)))


def test_run_without_weights_yet(seg_workdir, tmp_path):
    Workdir(tmp_path).start(seg_workdir.load_config())
    with pytest.raises(ValueError, match=r"no best\.keras yet"):
        Segmenter.from_run(TrainedRun.open(str(tmp_path)))


def test_network_of_other_classes_is_refused(one_convolution):
    with pytest.raises(ValueError, match=r"has 2 outputs; expected 3"):
        one_convolution(np.zeros((3, 3, 3, 2)), (0, 0), ("femur", "tibia"))


@pytest.mark.parametrize("memory_gib", [-1.0, float("inf"), float("nan")])
@pytest.mark.usefixtures("windows")
def test_memory_that_is_none_is_refused(threshold, memory_gib):
    with pytest.raises(ValueError, match="memory_gib must be a finite number from 0"):
        threshold(memory_gib=memory_gib)


def test_weights_of_another_network_are_named(seg_workdir, tmp_path):
    other = Workdir(tmp_path / "run")
    config = seg_workdir.load_config()
    other.start(config.replace(num_features=config.num_features + 1))
    other.save_model(seg_workdir.load_model("best"), "best")
    with pytest.raises(ValueError, match=r"run: best\.keras is not the network that"):
        Segmenter.from_run(TrainedRun.open(other.path))


@pytest.mark.usefixtures("windows")
def test_window_that_is_none_is_refused(threshold):
    with pytest.raises(ValueError, match=r"three whole numbers .* got \(8, 8\)"):
        threshold(window_shape=(8, 8))


def test_scan_without_an_image_is_refused(shifted):
    scan = Volume(*canonical_scan())
    flat = dataclasses.replace(scan, array=np.zeros(scan.shape))
    with pytest.raises(ValueError, match="no image to scale"):
        shifted.segment(flat)
