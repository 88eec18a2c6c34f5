"""PLACEHOLDER until tuned."""

from deepresolve.config import Config

CONFIG = Config(
    model="sr_cnn",
    num_layers=8,
    num_features=32,
    fold=(1, 1, 3),
    downsample_factors=(3,),
    patch_shape=(48, 48, 36),
    patch_sampling="random",
    patches_per_volume=256,
    min_tissue=0.3,
    random_flips=True,
    learning_rate=1e-3,
    schedule="cosine",
    warmup_steps=30,
    clip_norm=1.0,
    batch_size=4,
    num_epochs=20,
    precision="auto",
)
