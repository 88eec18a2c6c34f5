"""The package's network for knees, made to suit a study's own label maps; ours.

As `seg_knee`, from its weights on: a sixth of the learning rate and a quarter of the
time, more patches of each of a few scans, and dropout. Scans of any voxels, plane and
knee will do: they are brought to the grid that the network knows. Where --classes names
others, the last layer begins anew.

    python train.py --preset=seg_knee_finetune --records=DIR --workdir=DIR
"""

from deepresolve.presets import seg_knee

CONFIG = seg_knee.CONFIG.replace(
    init="pretrained:seg_knee",
    dropout=0.1,
    patches_per_volume=32,
    learning_rate=5e-4,
    warmup_steps=50,
    steps_per_epoch=100,
    max_minutes=20.0,
)
