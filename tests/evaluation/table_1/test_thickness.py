"""Layers on a block of bone, whose thickness is known in closed form."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from deepresolve.evaluation.results import EvaluatedSubject, Measurement
from deepresolve.evaluation.table_1 import thickness, thickness_section
from deepresolve.evaluation.table_1.experiment import evaluate
from deepresolve.evaluation.table_1.plan import Network, Plan
from deepresolve.evaluation.table_1.results import Analysis, Example, Results
from deepresolve.imaging.intensity import IntensityScale
from deepresolve.imaging.volume import Volume, affine_along_axes
from deepresolve.reports import markdown
from deepresolve.tasks.segmentation.classes import Classes

NAMES = {1: "femoral cartilage", 3: "meniscus", 5: "femur", 6: "tibia"}
VOXEL_MM = 0.5
LEVEL = 12  # the row in which the cartilage begins


@dataclasses.dataclass(frozen=True)
class Knee:
    image: Volume
    label: Volume
    subject: str = "knee-0"
    person: str = "ann"
    scale: IntensityScale | None = None  # images are not looked at
    arrays: dict = dataclasses.field(default_factory=dict)
    scalars: dict = dataclasses.field(default_factory=dict)


def layer(num_voxels, value=1, bone=5):
    """A layer on a block of bone; rows grow downwards, to the joint."""
    array = np.zeros((30, 44, 40), np.uint8)
    array[:LEVEL] = bone
    array[LEVEL : LEVEL + num_voxels] = value
    return Volume(array, affine_along_axes("IPL", (VOXEL_MM,) * 3), slice_axis=2)


def plan(class_name="femoral cartilage", label_names=NAMES, **networks):
    networks = networks or {"seg": "3D Seg-CNN", "sr": "SR-CNN"}
    return Plan(
        {part: Network(title, np.copy) for part, title in networks.items()},
        3,
        Classes.of((class_name,), label_names),
        label_names=label_names,
    )


KNEE = {
    **{1: "femoral cartilage", 2: "medial tibial cartilage"},
    **{3: "lateral tibial cartilage", 5: "femur", 6: "tibia"},
}
MEDIAL = np.s_[28:34, 10:38, 2:34]  # 12 mm^2 x 16 mm, 3 mm thick


def plates_on_tibia(medial=MEDIAL, values=(2, 3), bones=(5, 6)):
    """A layer below a femur, and two plates on a tibia; a left knee."""
    array = np.zeros((50, 48, 80), np.uint8)
    array[:12], array[34:] = bones
    array[12:18, 4:44, 4:76] = 1
    array[medial], array[28:34, 10:38, 46:78] = values
    return Volume(array, affine_along_axes("IPL", (VOXEL_MM,) * 3), slice_axis=2)


def knee_plan(names=KNEE):
    return dataclasses.replace(
        plan(label_names=names),
        classes=Classes.of(
            [n for n in KNEE.values() if n.endswith("cartilage")], names
        ),
    )


def measured(label, label_maps, of=None):
    return thickness.of_subject(Knee(label, label), label, label_maps, of or plan())


def values(found, name, image_set):
    return {
        m.label_class: m.value
        for m in found.measurements
        if (m.metric, m.image_set) == (name, image_set)
    }


def test_a_thicker_layer_is_so_much_thicker():
    """Two and three voxels of half a millimetre more, on the same bone."""
    maps = {"ground_truth": layer(4), "sr": layer(6), "tci": layer(7)}
    found = measured(layer(4), {"seg": maps})
    assert found.left_out == []
    assert {(m.subject, m.person, m.source) for m in found.measurements} == {
        ("knee-0", "ann", "seg")
    }
    true = values(found, thickness.REFERENCE, "sr")
    assert true == values(found, thickness.REFERENCE, "tci")
    assert true["F"] == pytest.approx(2.0, abs=0.03)
    assert values(found, thickness.THICKNESS, "ground_truth") == true
    for image_set, more_mm in (("sr", 1.0), ("tci", 1.5)):
        mm = values(found, thickness.THICKNESS, image_set)["F"]
        assert mm - true["F"] == pytest.approx(more_mm, abs=0.03)


def test_the_bone_is_the_references_whatever_a_network_says():
    """Cartilage that a network finds within the bone does not count."""
    deep = layer(4)
    deep.array[LEVEL - 3 : LEVEL] = 1
    found = measured(layer(4), {"seg": {"sr": deep}})
    assert values(found, thickness.THICKNESS, "sr") == values(
        found, thickness.REFERENCE, "sr"
    )


def test_labels_without_the_bone_are_left_out_and_it_is_said():
    for label, names in ((layer(4, bone=6), NAMES), (layer(4), {1: NAMES[1]})):
        found = measured(label, {"seg": {"sr": layer(4)}}, plan(label_names=names))
        assert found.measurements == []
        (left,) = found.left_out
        assert left[:3] == ("knee-0", "", "") and "hold no femur" in left.reason
    # And none that is none: a meniscus has no thickness.
    assert measured(layer(4), {"seg": {"sr": layer(4)}}, plan("meniscus")) == ([], [])


def test_a_map_without_cartilage_is_left_out_alone():
    maps = {"sr": layer(4, value=0), "tci": layer(5)}
    found = measured(layer(4), {"seg": maps})
    (left,) = found.left_out
    assert left[:3] == ("knee-0", "seg", "sr")
    assert "No cartilage to measure" in left.reason
    assert set(values(found, thickness.THICKNESS, "tci")) == {"F"}
    label = layer(4, value=0)
    (left,) = measured(label, {"seg": {"tci": layer(5)}}).left_out
    assert left[:3] == ("knee-0", "", "")


def test_a_plate_that_a_network_loses_is_left_out_with_the_reason():
    """27 voxels are no plate; nor is none, whose neighbours are measured."""
    few = np.s_[31:34, 22:25, 16:19]
    maps = {"sr": plates_on_tibia(few), "tci": plates_on_tibia(values=(0, 3))}
    found = measured(plates_on_tibia(), {"seg": maps}, knee_plan())
    small, none = found.left_out
    assert small[:3] == ("knee-0", "seg", "sr") and none[:3] == ("knee-0", "seg", "tci")
    assert small.reason.startswith("MT: 'medial tibial cartilage' is not measured: ")
    assert none.reason == "MT: no voxel is cartilage of it"
    for image_set in maps:
        mm = values(found, thickness.THICKNESS, image_set)
        assert {"F", "TrF", "LT", "cLT"} <= set(mm)
        assert not {"MT", "cMT"} & set(mm)
    assert thickness_section.LOST in section(results(found.left_out))


def test_cartilage_that_the_reference_lacks_is_left_out_with_the_reason():
    found = measured(plates_on_tibia(values=(0, 3)), {}, knee_plan())
    assert [left[:3] for left in found.left_out] == [("knee-0", "", "")]
    assert found.left_out[0].reason == "MT: no voxel is cartilage of it"


def test_a_plate_whose_bone_no_label_holds_is_left_out():
    """Found 3 mm too low: on a bone of its own its thickness would be right."""
    label = plates_on_tibia(bones=(5, 0))
    low = plates_on_tibia(np.s_[34:40, 10:38, 2:34], bones=(5, 0))
    found = measured(label, {"seg": {"sr": low}}, knee_plan())
    assert [left.reason.partition(",")[0] for left in found.left_out] == [
        "MT: the labels hold no tibia",
        "LT: the labels hold no tibia",
    ]
    mm = values(found, thickness.THICKNESS, "sr")
    assert "F" in mm and not {"MT", "LT", "cMT", "cLT"} & set(mm)


def test_a_tibia_in_one_piece_is_two_plates_or_said_not_to_be():
    """Classes of one tibial cartilage; its side is told by the labels' menisci."""
    names = KNEE | {2: "tibial cartilage", 3: "medial meniscus", 4: "lateral meniscus"}
    label = plates_on_tibia(values=(2, 2))
    label.array[20:22, 20:28, 10:20], label.array[20:22, 20:28, 56:66] = 3, 4
    whole = label.with_array(np.where(label.array == 2, 2, label.array))
    whole.array[28:34, 10:38, 34:46] = 2
    asked = dataclasses.replace(
        plan(label_names=names), classes=Classes.of(("tibial cartilage",), names)
    )
    as_class = {"sr": asked.classes.reference(whole)}
    found = measured(label, {"seg": as_class}, asked)
    one_piece = "cartilage of the tibia is in one piece, which shows no such plate"
    assert {left.reason for left in found.left_out} == {
        *(f"{name}: {one_piece}" for name in ("MT", "LT"))
    }
    as_class = {"sr": asked.classes.reference(label)}
    (left,) = measured(whole, {"seg": as_class}, asked).left_out
    assert left.reason.startswith("T: cartilage of the tibia is in two pieces")
    assert measured(label, {"seg": as_class}, asked).left_out == []


@pytest.mark.parametrize("bone", [5, 6])
def test_an_evaluation_measures_thickness_once_for_each_label_map(bone):
    """A network that knows the truth errs by nothing; a tibia bears no such layer."""
    label = layer(4, bone=bone)
    image = label.with_array(label.array.astype(np.float32))
    knee = Knee(image, label, scale=IntensityScale(0.0, 6.0))
    network = Network("3D Seg-CNN", lambda volume: (label.array == 1).astype(np.uint8))
    asked = dataclasses.replace(
        plan(), networks={"seg": network}, downsample_factor=None
    )
    found = evaluate([knee], asked)
    true, mm = (
        found.values(name, "ground_truth", network="seg", label_class="F")
        for name in (thickness.REFERENCE, thickness.THICKNESS)
    )
    if bone == 5:
        assert true == mm == pytest.approx([2.0], abs=0.03)
    assert len(mm) == (bone == 5) and len(found.left_out) == (bone == 6)


TRUE = np.array([2.0, 2.2, 1.8, 2.4, 2.1, 1.9])
SR = TRUE + np.array([0.02, -0.01, 0.03, 0.05, -0.04, 0.06])
TCI = TRUE + np.array([0.11, 0.12, 0.13, 0.15, -0.16, 0.19])


def results(left_out=()):
    """Six knees; TCI's last one has no cMF."""
    measurements = []
    for image_set, found in (("sr", SR), ("tci", TCI)):
        for n, (mm, true) in enumerate(zip(found, TRUE, strict=True)):
            for place in ("F", "cMF"):
                if (image_set, n, place) == ("tci", 5, "cMF"):
                    continue
                where = f"knee-{n}", "", "seg", image_set
                for name, value in (
                    (thickness.THICKNESS, mm),
                    (thickness.REFERENCE, true),
                ):
                    measurements.append(Measurement(*where, name, place, value))
    label = layer(4)
    facts = [
        EvaluatedSubject(f"knee-{n}", "", label.shape, label.spacing_mm)
        for n in range(6)
    ]
    example = Example("knee-0", {"ground_truth": label})
    return Results(
        plan(), tuple(facts), tuple(measurements), (), example, tuple(left_out)
    )


def test_agreement_is_bland_and_altmans_by_hand():
    rows = thickness.agreement(results())
    keys = [(row["place"], row["image_set"], row["n"]) for row in rows]
    assert keys == [
        ("F", "sr", 6),
        ("F", "tci", 6),
        ("cMF", "sr", 6),
        ("cMF", "tci", 5),
    ]
    row = rows[1]
    errors = TCI - TRUE
    assert row["reference"] == pytest.approx(TRUE.mean())
    assert row["bias"] == pytest.approx(errors.mean())
    assert row["upper"] == pytest.approx(errors.mean() + 1.96 * errors.std(ddof=1))
    assert row["mean_error"] == pytest.approx(np.abs(errors).mean())
    cv = np.abs(errors) / np.sqrt(2) / ((TCI + TRUE) / 2)
    assert row["rms_cv"] == pytest.approx(np.sqrt(np.mean(cv**2)))


def test_absolute_errors_of_plates_are_tested_pairwise():
    (test,) = thickness.tests(results())
    ours, theirs = np.abs(SR - TRUE), np.abs(TCI - TRUE)
    assert (test["class"], test["a"], test["b"]) == ("F", "sr", "tci")
    assert test["p"] == pytest.approx(stats.wilcoxon(ours, theirs).pvalue)
    assert test["p_holm"] == test["p"]
    assert test["mean_difference"] == pytest.approx(np.mean(ours - theirs))


def section(of):
    found = thickness.agreement(of), thickness.tests(of)
    analysis = Analysis(of, [], [], *found, [], [])
    return markdown.render(thickness_section.section(analysis))


def test_the_section_says_what_is_measured_and_what_is_not():
    text = " ".join(section(results()).split())
    assert "| F | 6 | 2.07 | n/a | +0.018 ± 0.038 | +0.090 ± 0.126 | n/a |" in text
    assert "(n = 5) | n/a |" in text and "bone is that of the subject's own" in text
    assert "| F | 3D Seg-CNN | TCI | 6 | +0.090 |" in text
    assert "| Thickness, \\|error\\| (µm), F | SR-CNN - TCI | 6 | 0 of 6 |" in text
    assert "Too few subjects" not in text  # six pairs can have p = 2 / 2^6
    few = [m for m in results().measurements if m.subject < "knee-4"]
    text = section(dataclasses.replace(results(), measurements=tuple(few)))
    assert "smallest corrected p cannot be below 0.125" in text  # 2 / 2^4
    missing = measured(layer(4, bone=6), {}).left_out * 5
    empty = dataclasses.replace(results(missing), measurements=())
    assert "knee-0, knee-0, knee-0 and 2 more: F: the labels hold no femur" in section(
        empty
    )
    assert not section(dataclasses.replace(empty, left_out=())).strip()
