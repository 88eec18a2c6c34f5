"""Seg-CNN for two CPU cores; all of it ours.

Four levels of 12 to 96 features on patches of 64x64x24, 70% of them around a voxel of
cartilage, in batches of four: normalised alone, a patch loses its level of intensity,
and the network would never learn that levels vary (`seg_cnn`). Dice with cross-entropy,
which finds small structures sooner than Dice alone; Adam with warm-up and cosine decay
over the time that is allowed. bfloat16 where the processor is fast at it.

    python train.py --preset=seg_cnn_small --records=DIR --workdir=DIR --max_minutes=5
"""

from deepresolve.tasks.segmentation.settings import SegmentationConfig

CONFIG = SegmentationConfig(
    model="seg_cnn",
    num_levels=4,
    num_features=12,
    dropout=0.1,
    classes=("femoral cartilage",),
    patch_shape=(64, 64, 24),
    patch_sampling="random",
    patches_per_volume=64,
    min_tissue=0.0,
    foreground_rate=0.7,
    random_mirror=True,
    max_bias=0.2,
    max_gamma=0.2,
    max_noise=0.02,
    max_shift=0.05,
    loss="dice_cross_entropy",
    learning_rate=3e-3,
    schedule="cosine",
    warmup_steps=50,
    clip_norm=1.0,
    batch_size=4,
    steps_per_epoch=200,
    num_epochs=60,
    max_minutes=5.0,
    precision="auto",
)
