"""A 2D U-Net, the usual baseline of musculoskeletal segmentation; all of it ours.

Five levels of 32 to 512 features on single slices (Ronneberger, MICCAI 2015), with the
loss, schedule and augmentation of Seg-CNN.

    python train.py --preset=unet_2d --records=DIR --workdir=DIR
"""

from deepresolve.presets import segnet_2d

CONFIG = segnet_2d.CONFIG.replace(model="unet_2d", num_features=32)
