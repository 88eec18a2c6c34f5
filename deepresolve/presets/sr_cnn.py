"""SR-CNN as published: Chaudhari et al., ISMRM abstract, with MRSR for the batch.

Published: 20 convolutions 3x3x3 of 64 features with ReLU, residual output, L2 loss,
Adam at a constant 1e-4, 20 epochs (abstract); batches of 50 (MRSR); patches 32x32x32 at
stride 16, factor 3 (abstract). Ours: the last convolution is linear, since a residual
is signed; patches of air alone are skipped; intensities are scaled by percentiles.

    python train.py --preset=sr_cnn --records=DIR --workdir=DIR

1,995,329 parameters, 4.0 MFLOP a voxel: a GPU's work. With the published 124 volumes
one epoch is about 11,800 steps. The paper reports 29.1 dB pSNR against 26.8 dB for
interpolation on its 17 test knees.
"""

from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

CONFIG = SuperResolutionConfig(
    model="sr_cnn",
    num_layers=20,
    num_features=64,
    downsample_factors=(3,),
    patch_shape=(32, 32, 32),
    patch_stride=(16, 16, 16),
    patch_sampling="grid",
    loss="mean_squared_error",
    optimizer="adam",
    learning_rate=1e-4,
    schedule="constant",
    batch_size=50,
    num_epochs=20,
)
