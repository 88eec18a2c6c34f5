"""A 2D U-Net for two CPU cores; all of it ours.

Four levels of 12 to 96 features on single slices, with the loss, schedule and
augmentation of `seg_cnn_small`.

    python train.py --preset=unet_2d_small --records=DIR --workdir=DIR --max_minutes=5
"""

from deepresolve.presets import segnet_2d_small

CONFIG = segnet_2d_small.CONFIG.replace(model="unet_2d", num_levels=4, num_features=12)
