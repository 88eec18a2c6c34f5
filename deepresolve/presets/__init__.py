"""Named runs. To add one, write its module and add its line to `PRESETS`."""

from deepresolve.config import BOOKKEEPING, Config
from deepresolve.presets import (
    cartilage_lesion,
    elnet,
    meniscus_tear,
    mrnet,
    seg_cnn,
    seg_cnn_small,
    seg_knee,
    seg_knee_finetune,
    segnet_2d,
    segnet_2d_small,
    sr_cnn,
    sr_cnn_small,
    sr_cnn_subpixel,
    sr_views,
    unet_2d,
    unet_2d_small,
)

PRESETS = {
    "cartilage_lesion": cartilage_lesion.CONFIG,
    "elnet": elnet.CONFIG,
    "meniscus_tear": meniscus_tear.CONFIG,
    "mrnet": mrnet.CONFIG,
    "seg_cnn": seg_cnn.CONFIG,
    "seg_cnn_small": seg_cnn_small.CONFIG,
    "seg_knee": seg_knee.CONFIG,
    "seg_knee_finetune": seg_knee_finetune.CONFIG,
    "segnet_2d": segnet_2d.CONFIG,
    "segnet_2d_small": segnet_2d_small.CONFIG,
    "sr_cnn": sr_cnn.CONFIG,
    "sr_cnn_small": sr_cnn_small.CONFIG,
    "sr_cnn_subpixel": sr_cnn_subpixel.CONFIG,
    "sr_views": sr_views.CONFIG,
    "unet_2d": unet_2d.CONFIG,
    "unet_2d_small": unet_2d_small.CONFIG,
}


def get(name: str) -> Config:
    """The preset called `name`; ValueError that lists the known ones otherwise."""
    if name not in PRESETS:
        raise ValueError(f"Unknown preset {name!r}; known: {sorted(PRESETS)}.")
    return PRESETS[name].replace(preset=name)


def trains_as(config: Config, name: str) -> bool:
    """Whether a run has the preset's network and training, whatever its bookkeeping."""
    return set(config.differences(get(name))) <= BOOKKEEPING
