"""T2 of a layer on a block of bone, whose echoes are given in closed form."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from deepresolve.evaluation.results import EvaluatedSubject, Measurement
from deepresolve.evaluation.table_1 import contents, relaxation, relaxation_section
from deepresolve.evaluation.table_1.analysis import analyse
from deepresolve.evaluation.table_1.experiment import evaluate
from deepresolve.evaluation.table_1.plan import Network, Plan
from deepresolve.evaluation.table_1.relaxation import KNOWN, THIN
from deepresolve.evaluation.table_1.results import Example, LeftOut, Results
from deepresolve.imaging.degradation import interpolate, thicken
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.reports import markdown
from tests.held_out import FakeSubject, tci

NAMES = {1: "femoral cartilage", 5: "femur"}
SPACING_MS = 25.0
LEVEL = 12  # the row in which the cartilage begins; it has six of them
DEEP, SUPERFICIAL = np.s_[LEVEL : LEVEL + 3], np.s_[LEVEL + 3 : LEVEL + 6]


def labels():
    """Rows grow downwards, to the joint."""
    array = np.zeros((30, 44, 40), np.uint8)
    array[:LEVEL], array[LEVEL : LEVEL + 6] = 5, 1
    return Volume(array, affine_along_axes("IPL", (0.5,) * 3), slice_axis=2)


def echoes(t2_ms):
    """Both echoes of 1000 units that decay with a T2 everywhere."""
    label = labels()
    second = 1000 * np.exp(-SPACING_MS / np.broadcast_to(t2_ms, label.shape))
    first = np.full(label.shape, 1000.0)
    return tuple(label.with_array(e.astype(np.float32)) for e in (first, second))


def layered(deep_ms, superficial_ms):
    t2_ms = np.full(labels().shape, 60.0)
    t2_ms[DEEP], t2_ms[SUPERFICIAL] = deep_ms, superficial_ms
    return t2_ms


def knee(t2_ms, **fields):
    image, second = echoes(t2_ms)
    given = {
        "scale": IntensityScale(0.0, 1000.0),
        "arrays": {"second_echo": second},
        "scalars": {"echo_spacing_ms": SPACING_MS},
    }
    return FakeSubject("knee-0", "ann", image, labels(), **given | fields)


def plan():
    return Plan({"sr": Network("SR-CNN", tci)}, 3, None, label_names=NAMES)


# Each thin slice is the thick one that it lies in.
NEAREST = Network(
    "SR-CNN", lambda thick, factor: np.repeat(thick.array, 3, axis=2)[..., 1:-1]
)


def values(found, name, image_set):
    return {
        m.label_class: m.value
        for m in found.measurements
        if (m.metric, m.image_set) == (name, image_set)
    }


def of_sets(subject, t2_by_set):
    """What is measured of image sets whose echoes have a T2 each."""
    sets = {name: echoes(t2_ms) for name, t2_ms in t2_by_set.items()}
    images, later = ({n: pair[i] for n, pair in sets.items()} for i in (0, 1))
    return relaxation.of_subject(subject, images, lambda _: later, plan())


def test_each_layer_of_a_place_errs_by_what_its_echoes_do():
    subject = knee(layered(30.0, 40.0))
    true = layered(31.0, 42.0).astype(np.float32)
    subject.arrays["t2_ms"] = subject.image.with_array(true)
    found = of_sets(
        subject,
        {
            "ground_truth": layered(30.0, 40.0),
            "sr": layered(33.0, 40.0),
            "tci": layered(30.0, 46.0),
        },
    )
    assert found.left_out == []
    whose = {(m.subject, m.person, m.source) for m in found.measurements}
    assert whose == {("knee-0", "ann", "sr")}
    for image_set, deep, superficial in (
        *(("ground_truth", 30, 40), ("sr", 33, 40)),
        ("tci", 30, 46),
    ):
        t2 = values(found, KNOWN.means.metric, image_set)
        assert set(t2) == {"F", "F, deep", "F, superficial"}
        assert t2["F, deep"] == pytest.approx(deep, abs=1e-3)
        assert t2["F, superficial"] == pytest.approx(superficial, abs=1e-3)
        assert t2["F"] == pytest.approx((deep + superficial) / 2, abs=1e-3)
        reference = values(found, KNOWN.means.reference, image_set)
        assert reference["F, deep"] == pytest.approx(31.0)
        assert reference["F"] == pytest.approx(36.5)
        error = values(found, KNOWN.voxel_error, image_set)
        off = (abs(deep - 31) + abs(superficial - 42)) / 2
        assert error["F"] == pytest.approx(off, abs=1e-3)
    # Beside the thin slices' own echoes; these are not beside themselves.
    assert values(found, THIN.means.metric, "ground_truth") == {}
    for image_set, off in (("sr", 1.5), ("tci", 3.0)):
        assert values(found, THIN.means.reference, image_set)["F"] == pytest.approx(35)
        assert values(found, THIN.voxel_error, image_set)["F"] == pytest.approx(off)


def test_without_a_t2_that_is_known_there_are_the_thin_slices_alone():
    t2_ms = layered(30.0, 40.0)
    found = of_sets(knee(t2_ms), {"ground_truth": t2_ms, "tci": t2_ms + 5})
    metrics = {m.metric for m in found.measurements}
    assert metrics == {*THIN.means, THIN.voxel_error, THIN.without}
    assert {m.image_set for m in found.measurements} == {"tci"}


def test_voxels_without_a_t2_are_in_neither_mean_and_are_counted():
    t2_ms = layered(30.0, 40.0)
    sinking = layered(30.0, 400.0)  # longer than any cartilage's
    found = of_sets(knee(t2_ms), {"ground_truth": t2_ms, "sr": sinking})
    t2, reference, error, without = (
        values(found, name, "sr")
        for name in (*THIN.means, THIN.voxel_error, THIN.without)
    )
    assert t2["F"] == t2["F, deep"] == pytest.approx(30.0, abs=1e-3)
    assert reference["F"] == pytest.approx(30.0, abs=1e-3)
    assert error["F"] == pytest.approx(0.0, abs=1e-3)
    assert without["F"] == pytest.approx(0.5) and without["F, deep"] == 0.0
    assert "F, superficial" not in t2
    (left,) = found.left_out
    assert left.reason == "F, superficial of SR-CNN: no voxel has T2"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"label": None}, "no label says where cartilage is"),
        ({"scalars": {}}, "expected the scalar echo_spacing_ms, the ms above 0"),
        ({"scalars": {"echo_spacing_ms": np.nan}}, "comes after the image; got nan"),
        ({"scalars": {"echo_spacing_ms": 0}}, "comes after the image; got 0"),
    ],
)
def test_echoes_that_tell_no_t2_are_left_out_and_it_is_said(fields, reason):
    subject = dataclasses.replace(knee(40.0), **fields)
    found = evaluate([subject], plan())
    assert not any(m.metric in relaxation.MEANINGS for m in found.measurements)
    (left,) = found.left_out
    assert (left.subject, left.metric) == ("knee-0", relaxation.T2)
    assert reason in left.reason
    text = markdown.render(relaxation_section.section(analysed([], [left])))
    assert text.startswith("## T2 of cartilage")
    assert f"T2 is left out of knee-0: {left.reason.rstrip('. ')}." in text


@pytest.mark.parametrize("name", ["second_echo", "t2_ms"])
def test_volumes_elsewhere_are_left_out_with_what_came(name):
    subject = knee(40.0)
    cut = subject.image.crop((slice(1, None), slice(None), slice(None)))
    shifted = subject.image.affine.copy()
    shifted[:3, 3] += 1.0
    moved = dataclasses.replace(subject.image, affine=shifted)
    for wrong, told in (
        (cut, f"{name} lies on another grid"),
        (moved, f"{name} lies on another grid"),
        (np.zeros((2, 2)), f"{name}: expected a volume on the image's grid; got"),
    ):
        bad = knee(40.0)
        bad.arrays[name] = wrong
        (left,) = evaluate([bad], plan()).left_out
        assert told in left.reason
    # As far off as a header's digits are.
    near = subject.image.affine.copy()
    near[:3, 3] += 1e-3
    subject.arrays["t2_ms"] = subject.image
    subject.arrays[name] = dataclasses.replace(subject.arrays[name], affine=near)
    assert evaluate([subject], plan()).left_out == ()


def test_an_echo_of_nothing_is_named():
    bad = knee(40.0)
    nothing = np.zeros_like(bad.image.array)
    bad.arrays["second_echo"] = bad.image.with_array(nothing)
    (left,) = evaluate([bad], plan()).left_out
    assert left.reason.startswith("second_echo: ")


def test_cartilage_that_is_not_measured_is_said():
    """A patella's of one voxel, one of no voxel, and one without its bone."""
    names = NAMES | {
        **{2: "medial tibial cartilage", 4: "patellar cartilage", 7: "patella"},
        **{3: "lateral tibial cartilage", 6: "tibia"},
    }
    label = labels()
    label.array[24:, 10:30, 4:16], label.array[20, 5, 5] = 3, 4
    subject = dataclasses.replace(knee(40.0), label=label)
    asked = dataclasses.replace(plan(), label_names=names)
    reasons = {
        left.reason.partition(":")[0] for left in evaluate([subject], asked).left_out
    }
    assert reasons == {"MT", "LT", "P"}


def test_both_echoes_are_thickened_and_brought_back():
    """T2 grows from slice to slice: thick ones mix what thin ones do not."""
    t2_ms = layered(30.0, 40.0) + 10.0 * np.sin(np.arange(40) / 1.5)
    found = evaluate(
        [knee(t2_ms)], dataclasses.replace(plan(), networks={"sr": NEAREST})
    )
    subject = knee(t2_ms)
    first, second = subject.image, subject.arrays["second_echo"]
    rows = np.s_[LEVEL : LEVEL + 6]
    for image_set, restore in (
        ("sr", lambda v: np.repeat(v.array, 3, axis=2)[..., 1:-1]),
        ("tci", lambda v: interpolate(v, 3).array),
    ):
        back = [restore(thicken(echo, 3))[rows] for echo in (first, second)]
        expected_ms = -SPACING_MS / np.log(back[1] / back[0])
        own_ms = -SPACING_MS / np.log((second.array / first.array)[rows])
        off_ms = np.abs(expected_ms - own_ms[..., : expected_ms.shape[2]]).mean()
        (error,) = found.values(THIN.voxel_error, image_set, label_class="F")
        assert error == pytest.approx(off_ms, rel=0.02) and error > 0.5
    assert len(found.timings) == 1  # of the image's super-resolution alone
    assert THIN.voxel_error in contents.meanings(found)
    assert KNOWN.voxel_error not in contents.meanings(found)


def test_without_a_second_echo_nothing_is_said():
    subject = dataclasses.replace(knee(40.0), arrays={})
    found = evaluate([subject], plan())
    assert found.left_out == ()
    assert relaxation_section.section(analyse(found)) == []


TRUE = np.array([36.0, 37.0, 38.0, 37.5, 36.5, 38.5])
SR = TRUE + np.array([0.2, -0.1, 0.3, 0.5, -0.4, 0.6])
TCI = TRUE + np.array([1.1, 1.2, 1.3, 1.5, -1.6, 1.9])


def analysed(measurements, left_out=()):
    label = labels()
    facts = [
        EvaluatedSubject(f"knee-{n}", "", label.shape, label.spacing_mm)
        for n in range(6)
    ]
    example = Example("knee-0", {"ground_truth": label})
    return analyse(
        Results(plan(), tuple(facts), measurements, (), example, tuple(left_out))
    )


def six_knees():
    return [
        Measurement(f"knee-{n}", "", "sr", image_set, name, place, value)
        for image_set, found in (("ground_truth", TRUE), ("sr", SR), ("tci", TCI))
        for n in range(6)
        for place in ("F", "F, deep", "cMF", "cMF, deep")
        for name, value in (
            (KNOWN.means.metric, found[n]),
            (KNOWN.means.reference, TRUE[n]),
            (KNOWN.voxel_error, 1 + abs(found[n] - TRUE[n])),
            (KNOWN.without, 0.01 * n),
        )
    ]


def test_the_report_has_errors_by_place_and_tests_of_plates():
    analysis = analysed(six_knees())
    assert len(analysis.t2) == 4 * 3
    (test,) = analysis.t2_tests
    ours, theirs = np.abs(SR - TRUE), np.abs(TCI - TRUE)
    assert (test["class"], test["metric"]) == ("F", KNOWN.voxel_error)
    assert test["p"] == pytest.approx(stats.wilcoxon(ours, theirs).pvalue)
    assert test["mean_difference"] == pytest.approx(np.mean(ours - theirs))
    text = " ".join(markdown.render(relaxation_section.section(analysis)).split())
    errors = SR - TRUE
    shown = f"{errors.mean():+.2f} ± {errors.std(ddof=1):.2f}"
    for place in ("F", "F, deep", "cMF"):
        assert f"| {place} | 6 | 37.2 | +0.00 ± 0.00 | {shown} |" in text
    assert "cMF, deep" not in text  # layers of regions are in report.json alone
    limits = (f"{errors.mean() + 1.96 * s * errors.std(ddof=1):+.2f}" for s in (-1, 1))
    row = f"| F | SR-CNN | 6 | {1 + ours.mean():.2f} | 2.5 | {' to '.join(limits)} |"
    assert row in text
    assert "Beside the T2 that is known (6 of 6 scans):" in text
    assert "Beside T2 of the thin slices" not in text
    assert "| T2 of voxels, \\|error\\| (ms), F | SR-CNN - TCI | 6 | 0 of 6 |" in text
    assert relaxation_section.section(analysed([])) == []


def test_what_is_left_out_of_thickness_is_said_there_alone():
    left = LeftOut("knee-0", "", "", "no bone", "thickness_mm")
    assert relaxation_section.section(analysed([], [left])) == []
