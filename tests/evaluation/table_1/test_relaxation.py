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
from deepresolve.evaluation.table_1.results import Example, LeftOut, Results
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


def plan(**networks):
    named = {name: Network(title, np.copy) for name, title in networks.items()}
    return Plan(named or {"sr": Network("SR-CNN", tci)}, 3, None, label_names=NAMES)


def values(found, name, image_set):
    return {
        m.label_class: m.value
        for m in found.measurements
        if (m.metric, m.image_set) == (name, image_set)
    }


def test_each_layer_of_a_place_errs_by_what_its_echoes_do():
    subject, true = knee(layered(30.0, 40.0)), labels().with_array(layered(31.0, 42.0))
    sets = {
        "ground_truth": echoes(layered(30.0, 40.0)),
        "sr": echoes(layered(33.0, 40.0)),
        "tci": echoes(layered(30.0, 46.0)),
    }
    found = relaxation.of_subject(subject, labels(), sets, true, plan())
    assert found.left_out == []
    whose = {(m.subject, m.person, m.source) for m in found.measurements}
    assert whose == {("knee-0", "ann", "sr")}
    for image_set, deep, superficial in (
        *(("ground_truth", 30, 40), ("sr", 33, 40)),
        ("tci", 30, 46),
    ):
        t2 = values(found, relaxation.T2, image_set)
        assert set(t2) == {"F", "F, deep", "F, superficial"}
        assert t2["F, deep"] == pytest.approx(deep, abs=1e-3)
        assert t2["F, superficial"] == pytest.approx(superficial, abs=1e-3)
        assert t2["F"] == pytest.approx((deep + superficial) / 2, abs=1e-3)
        reference = values(found, relaxation.REFERENCE, image_set)
        assert reference["F, deep"] == pytest.approx(31.0)
        assert reference["F"] == pytest.approx(36.5)


def test_where_nobody_knows_the_truth_it_is_that_of_the_ground_truths_echoes():
    t2_ms = layered(30.0, 40.0)
    sets = {"ground_truth": echoes(t2_ms), "tci": echoes(t2_ms + 5)}
    found = relaxation.of_subject(knee(t2_ms), labels(), sets, None, plan())
    true = values(found, relaxation.REFERENCE, "tci")
    assert true == values(found, relaxation.T2, "ground_truth")
    assert values(found, relaxation.T2, "tci")["F"] - true["F"] == pytest.approx(5.0)


def test_voxels_without_a_time_are_in_no_mean_and_a_place_without_any_is_left_out():
    t2_ms = layered(30.0, 40.0)
    grows = echoes(t2_ms)
    grows[1].array[SUPERFICIAL] = 2000.0  # no decay at all
    sets = {"ground_truth": echoes(t2_ms), "sr": grows}
    found = relaxation.of_subject(knee(t2_ms), labels(), sets, None, plan())
    t2 = values(found, relaxation.T2, "sr")
    assert t2["F"] == t2["F, deep"] == pytest.approx(30.0, abs=1e-3)
    assert "F, superficial" not in t2


def test_labels_that_cannot_be_measured_are_left_out_and_it_is_said():
    bare = labels().with_array(np.zeros_like(labels().array))
    sets = {"ground_truth": echoes(40.0)}
    found = relaxation.of_subject(knee(40.0), bare, sets, None, plan())
    assert found.measurements == []
    (left,) = found.left_out
    assert left[:3] == ("knee-0", "", "") and left.metric == relaxation.T2
    text = markdown.render(relaxation_section.section(analysed([], [left])))
    assert text.startswith("## T2 of cartilage")
    assert f"T2 is left out of knee-0: {left.reason.rstrip('.')}." in text


def test_an_evaluation_brings_both_echoes_back():
    """Slices are all alike: thick ones tell the same T2."""
    t2_ms = layered(30.0, 40.0)
    true = labels().with_array(t2_ms.astype(np.float32))
    subject = knee(t2_ms)
    subject.arrays["t2_ms"] = true
    found = evaluate([subject], plan())
    for image_set in ("ground_truth", "sr", "tci", "fourier"):
        (t2,) = found.values(relaxation.T2, image_set, label_class="F")
        assert t2 == pytest.approx(35.0, abs=0.02)
    assert found.values(relaxation.REFERENCE, "tci", label_class="F") == [35.0]
    assert relaxation.T2 in contents.meanings(found)
    assert len(found.timings) == 1  # of the image's super-resolution alone
    for fields in ({"arrays": {}}, {"label": None}):
        bare = evaluate([dataclasses.replace(subject, **fields)], plan())
        assert relaxation.T2 not in {m.metric for m in bare.measurements}


def test_a_second_echo_that_is_none_is_told_with_the_subject():
    subject = knee(40.0, scalars={})
    with pytest.raises(ValueError, match="'knee-0': second_echo: expected the scalar"):
        evaluate([subject], plan())
    cut = subject.arrays["second_echo"].crop((slice(1, None), slice(None), slice(None)))
    moved = subject.image.with_array(subject.image.array)
    moved = dataclasses.replace(moved, affine=moved.affine + np.eye(4)[:, [3, 0, 1, 2]])
    for wrong in (cut, moved, np.zeros((2, 2))):
        bad = knee(40.0, arrays={"second_echo": wrong})
        with pytest.raises(ValueError, match="second_echo is not on the image's grid"):
            evaluate([bad], plan())
    bad = knee(40.0)
    bad.arrays["t2_ms"] = cut
    with pytest.raises(ValueError, match="t2_ms is not on the image's grid"):
        evaluate([bad], plan())


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
            (relaxation.T2, found[n]),
            (relaxation.REFERENCE, TRUE[n]),
        )
    ]


def test_the_report_has_errors_by_place_and_tests_of_plates():
    analysis = analysed(six_knees())
    assert len(analysis.t2) == 4 * 3
    (test,) = analysis.t2_tests
    ours, theirs = np.abs(SR - TRUE), np.abs(TCI - TRUE)
    assert (test["class"], test["metric"], test["network"]) == ("F", "t2_ms", "sr")
    assert test["p"] == pytest.approx(stats.wilcoxon(ours, theirs).pvalue)
    text = " ".join(markdown.render(relaxation_section.section(analysis)).split())
    errors = SR - TRUE
    shown = f"{errors.mean():+.2f} ± {errors.std(ddof=1):.2f}"
    for place in ("F", "F, deep", "cMF"):
        assert f"| {place} | 37.2 | +0.00 ± 0.00 | {shown} |" in text
    assert "cMF, deep" not in text  # layers of regions are in report.json alone
    assert "| T2, \\|error\\| (ms), F | SR-CNN - TCI | 6 | 0 of 6 |" in text
    assert relaxation_section.section(analysed([])) == []


def test_what_is_left_out_of_thickness_is_said_there_alone():
    left = LeftOut("knee-0", "", "", "no bone", "thickness_mm")
    assert relaxation_section.section(analysed([], [left])) == []
