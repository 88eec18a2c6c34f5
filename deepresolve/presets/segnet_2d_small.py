"""The 2D SegNet for two CPU cores: the benchmark of `seg_cnn_small`; all of it ours.

A quarter of the published features, on single slices, with the loss, schedule and
augmentation of `seg_cnn_small`.

    python train.py --preset=segnet_2d_small --records=DIR --workdir=DIR --max_minutes=5
"""

from deepresolve.presets import seg_cnn_small

CONFIG = seg_cnn_small.CONFIG.replace(
    model="segnet_2d",
    num_levels=5,
    num_features=16,
    patch_shape=(96, 96, 1),
    patches_per_volume=128,
    batch_size=32,
)
