"""The soft tissues that iMorphics drew, and the order of the slices they drew on."""

# The value of each field's label; where two cover a pixel alike, the first one has it.
FIELDS = {
    "FemoralCartilage": 1,
    "MedialTibialCartilage": 2,
    "LateralTibialCartilage": 3,
    "PatellarCartilage": 4,
    "LateralMeniscus": 5,
    "MedialMeniscus": 6,
}
LABEL_NAMES = {
    1: "femoral cartilage",
    2: "medial tibial cartilage",
    3: "lateral tibial cartilage",
    4: "patellar cartilage",
    5: "lateral meniscus",
    6: "medial meniscus",
}
SLICE_ORDERS = ("left_to_right", "right_to_left")
