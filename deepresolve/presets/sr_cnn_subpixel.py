"""SR-CNN on the thick-slice grid: the published one at a third of its work.

The three thin slices of one thick one are folded into channels, the 20 convolutions run
on the coarser grid, and the last one emits three slices for each (sub-pixel
convolution, Shi, CVPR 2016, along the slice axis). All of that is ours; what trains it
is published (`sr_cnn`), but for patches of 33 slices at stride 15, which 3 divides.

    python train.py --preset=sr_cnn_subpixel --records=DIR --workdir=DIR

2,002,243 parameters, 1.3 MFLOP a voxel: a GPU's work, in a third of the time. It works
for the one factor it was trained for. On two cores `sr_cnn_small` learns far more in
the same minutes (docs/results.md).
"""

from deepresolve.presets import sr_cnn

CONFIG = sr_cnn.CONFIG.replace(
    fold=(1, 1, 3),
    patch_shape=(32, 32, 33),
    patch_stride=(16, 16, 15),
)
