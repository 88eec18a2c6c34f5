"""SR-CNN for two CPU cores: the best gain per minute that we found; all of it ours.

Eight convolutions of 32 features, on the thick-slice grid: the three thin slices of one
thick one are folded into channels and unfolded at the end (sub-pixel convolution, Shi,
CVPR 2016, along the slice axis), a third of the work. Patches with tissue, anywhere, 24
thick slices long: the network sees 8 each way, and zeros past the end of a patch.
The Charbonnier loss gains more than the squared error in both pSNR and SSIM. Adam at
2e-3 with cosine decay over the time that is allowed; a warm-up of 200 steps, for with a
short one a third of the last features died, and some runs learned nothing.
bfloat16 where the processor is fast at it, which is then 1.7 times faster.

    python train.py --preset=sr_cnn_small --records=DIR --workdir=DIR --max_minutes=15

171,299 parameters. What to expect of how many minutes stands in docs/results.md, with
the commands that measure it.
"""

from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

CONFIG = SuperResolutionConfig(
    model="sr_cnn",
    num_layers=8,
    num_features=32,
    fold=(1, 1, 3),
    downsample_factors=(3,),
    patch_shape=(48, 48, 72),
    patch_sampling="random",
    patches_per_volume=128,
    min_tissue=0.3,
    random_flips=True,
    loss="charbonnier",
    learning_rate=2e-3,
    schedule="cosine",
    warmup_steps=200,
    clip_norm=1.0,
    batch_size=2,
    steps_per_epoch=200,
    num_epochs=60,
    max_minutes=15.0,
    precision="auto",
)
