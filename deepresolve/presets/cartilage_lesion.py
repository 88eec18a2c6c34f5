"""Pieces of cartilage with a lesion or none, after Liu, Radiology 2018 (289:160).

Published: patches along segmented cartilage, each with a lesion or without, from
fat-suppressed T2-weighted scans of 175 patients (17,395 patches), graded by a network
behind the one that segments; ROC AUC of 0.917 and 0.914. Ours: pieces of 32 x 20
pixels and 5 slices, turned so that the bone lies on top; a small 3D network that begins
with nothing (14 thousand parameters), its batches, and a learning rate that falls as a
cosine.

    python train.py --preset=cartilage_lesion --records=DIR --workdir=DIR

DIR is cut by `records convert --dataset=rois --regions=cartilage --most_without=40`.
What it finds in
synthetic knees stands in docs/grading.md; nobody has tried it on a real lesion.
"""

from deepresolve.tasks.classification.settings import ClassificationConfig

CONFIG = ClassificationConfig(
    model="cnn_3d_max",
    num_levels=2,
    num_features=16,
    grades=("lesion",),
    regions="cartilage",
    patch_shape=(32, 20, 5),
    class_weights="balanced",
    max_offset=0.06,
    random_flip=True,
    loss="cross_entropy",
    optimizer="adam",
    learning_rate=2e-3,
    schedule="cosine",
    batch_size=32,
    num_epochs=6,
    patches_per_volume=4,
)
