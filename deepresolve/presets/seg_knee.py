"""The whole knee on two CPU cores, learned from painted images; all of it ours.

The network that comes with the package as seg_knee. A Seg-CNN of four levels and 16 to
128 features that works on pixels folded two by two: of 0.5 mm pixels it sees all, at a
quarter of the cost. Patches of 56 x 56 x 96 mm (at 0.5 x 0.5 x 1.5 mm), for what is
medial is told by what lies on the other side of the knee; most of them around one of
the nine tissues, each of them as often. Images that were painted once are turned,
scaled and shaded anew each time. No dropout: it learns for hours without being better
on what it learned from.

    python train.py --preset=seg_knee --records=DIR --workdir=DIR --max_minutes=90
"""

from deepresolve.tasks.segmentation.settings import SegmentationConfig

CONFIG = SegmentationConfig(
    model="seg_cnn",
    num_levels=4,
    num_features=16,
    fold=(2, 2, 1),
    dropout=0.0,
    classes=(
        "femoral cartilage",
        "medial tibial cartilage",
        "lateral tibial cartilage",
        "patellar cartilage",
        "femur",
        "tibia",
        "patella",
        "medial meniscus",
        "lateral meniscus",
    ),
    grid_mm=(0.5, 1.5),
    plane="sagittal",
    patch_shape=(112, 112, 64),
    patch_sampling="random",
    patches_per_volume=12,
    min_tissue=0.0,
    foreground_rate=0.85,
    random_mirror=True,
    max_rotation_degrees=10.0,
    max_scaling=0.1,
    max_bias=0.3,
    max_gamma=0.4,
    max_noise=0.03,
    max_shift=0.05,
    loss="dice_cross_entropy",
    learning_rate=3e-3,
    schedule="cosine",
    warmup_steps=100,
    clip_norm=1.0,
    batch_size=2,
    steps_per_epoch=500,
    num_epochs=400,
    max_minutes=90.0,
    validation_volumes=12,
    validation_shape=(224, 224, 64),
    precision="auto",
)
