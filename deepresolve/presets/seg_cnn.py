"""Seg-CNN as published: the 3D U-Net of Chaudhari et al., ISMRM abstract.

Published: a 3D extension of U-Net (abstract) of 5 levels with 32 to 512 features
(the authors' ISMRM 2019 abstract 1140), patches 288x288x32, 25% dropout, Dice loss, 50
epochs at an initial rate of 0.001 that drops by 60% every 5 epochs (abstract). Ours:
Adam; batch normalisation, in batches of two; dropout after the two lowest levels; Dice
smoothed by one voxel; an epoch of 8 patches a volume at random places, half of them
around a voxel of cartilage (with 124 volumes 496 steps); the augmentation; best weights
chosen on the middle 96 slices of two volumes.

A batch of one will not do with batch normalisation: each patch is then freed of its own
level of intensity while the network learns, but not when it predicts, and an
interpolated image, whose scale is 3% off, loses half of its cartilage.

    python train.py --preset=seg_cnn --records=DIR --workdir=DIR

Needs records with labels, one of them named "femoral cartilage" (--classes chooses
others). A GPU's work. The paper reports a Dice coefficient of 90.2% on 17 test knees.
"""

from deepresolve.tasks.segmentation.settings import SegmentationConfig

CONFIG = SegmentationConfig(
    model="seg_cnn",
    num_levels=5,
    num_features=32,
    dropout=0.25,
    classes=("femoral cartilage",),
    patch_shape=(288, 288, 32),
    patch_sampling="random",
    patches_per_volume=8,
    min_tissue=0.0,
    foreground_rate=0.5,
    random_mirror=True,
    max_rotation_degrees=10.0,
    max_scaling=0.1,
    max_bias=0.2,
    max_gamma=0.2,
    max_noise=0.02,
    max_shift=0.05,
    loss="dice",
    optimizer="adam",
    learning_rate=1e-3,
    schedule="step",
    drop=0.6,
    epochs_per_drop=5,
    batch_size=2,
    num_epochs=50,
    validation_shape=(288, 288, 96),
)
