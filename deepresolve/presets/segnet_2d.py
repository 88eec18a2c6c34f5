"""The 2D SegNet that Seg-CNN is measured against (abstract, reference 5).

Published: 13 + 13 convolutions in the shape of VGG16, 64 to 512 features, batch
normalisation, max-pooling whose indices drive the decoder's unpooling (Badrinarayanan,
IEEE TPAMI 2017; for knees Liu, MRM 2018). Ours: the loss, schedule and augmentation of
Seg-CNN, and as many slices of 288x288 an epoch, in batches of 32; dropout after the
last two poolings. To a network of sagittal slices the left-right mirroring of Seg-CNN
changes nothing, and Dice is taken slice by slice.

    python train.py --preset=segnet_2d --records=DIR --workdir=DIR

The paper reports a Dice coefficient of 83.0% on ground-truth images.
"""

from deepresolve.presets import seg_cnn

CONFIG = seg_cnn.CONFIG.replace(
    model="segnet_2d",
    num_levels=5,
    num_features=64,
    dropout=0.25,
    patch_shape=(288, 288, 1),
    patches_per_volume=256,
    batch_size=32,
)
