"""A network of views: learns from thick slices, and serves every factor.

After SMORE (Zhao, IEEE TMI 2021): in-plane axes, which are sharp, are made thick as
slices are, and a 2D network learns what that takes away. Eight convolutions of 48
features on the grid of thick slices, in-plane pixels folded by two; Charbonnier loss;
Adam at 2e-3 with cosine decay. All numbers are ours, the best gain that we found in
five minutes on two CPU cores; the published network is 100 times as large.

    python train.py --preset=sr_views --records=DIR --workdir=DIR --max_minutes=30

`deepresolve predict --learn=scan` trains it on one scan. What to expect stands in
docs/results.md.
"""

from deepresolve.tasks.super_resolution.settings import SuperResolutionConfig

CONFIG = SuperResolutionConfig(
    model="sr_views",
    num_layers=8,
    num_features=48,
    downsample_factors=(2, 3, 4, 5, 6, 7, 8),
    slice_profiles=("rect", "gaussian", "fir"),
    thickness_range=(0.7, 1.0),
    patch_shape=(1, 96, 16),
    patch_sampling="random",
    patches_per_volume=128,
    min_tissue=0.3,
    random_flips=True,
    shuffle_mib=32,
    volumes_in_flight=2,
    loss="charbonnier",
    learning_rate=2e-3,
    schedule="cosine",
    warmup_steps=100,
    clip_norm=1.0,
    batch_size=16,
    steps_per_epoch=200,
    num_epochs=200,
    max_minutes=30.0,
    precision="auto",
)
