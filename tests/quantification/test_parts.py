"""What names of classes say."""

import pytest

from deepresolve.quantification.parts import Part, part, parts


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("femoral cartilage", Part("cartilage", "femur")),
        ("Medial Tibial Cartilage", Part("cartilage", "tibia", "medial")),
        ("patellar_cartilage", Part("cartilage", "patella")),
        ("lateral meniscus", Part("meniscus", "", "lateral")),
        ("menisci", Part("meniscus")),
        ("femur", Part("bone", "femur")),
        ("fibula", Part("bone", "fibula")),
        ("femoral bone", Part("bone", "femur")),
        ("Proximal_Tibia", Part("bone", "tibia")),
        ("bone (femur)", Part("bone", "femur")),
        ("femur and tibia", None),
        ("femoral and tibial cartilage", None),
        ("cartilage and menisci", None),
        ("bone marrow lesion of the femur", None),
        ("anterior cruciate ligament femur insertion", None),
        ("tibial", None),
        ("femoral cartilage lesion", None),
        ("cartilage interface femur", None),
        ("articular cartilage of the left femur", Part("cartilage", "femur")),
        ("cartilage", None),
        ("femoral artery", None),
        ("patellar tendon", None),
        ("tumour", None),
    ],
)
def test_names_say_what_classes_are(name, expected):
    assert part(name) == expected


def test_opposites_are_the_same_on_the_other_side():
    names = ("medial meniscus", "lateral meniscus", "lateral tibial cartilage", "x")
    found = parts(names)
    assert set(found) == {1, 2, 3}
    assert found[1].is_opposite(found[2]) and found[2].is_opposite(found[1])
    assert not found[1].is_opposite(found[3])
    assert not found[1].is_opposite(None) and not found[1].is_opposite(found[1])
