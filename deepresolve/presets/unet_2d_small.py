"""A small 2D U-Net for two CPU cores; all of it ours.

python train.py --preset=unet_2d_small --records=DIR --workdir=DIR --max_minutes=5
"""

from deepresolve.presets import segnet_2d_small

CONFIG = segnet_2d_small.CONFIG.replace(model="unet_2d", num_levels=4, num_features=12)
