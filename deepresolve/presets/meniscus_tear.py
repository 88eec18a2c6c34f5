"""Menisci with a tear or none, after Pedoia, JMRI 2019, and Tack, 2021.

Published: menisci cropped by their segmentation and graded by a 3D network (Pedoia,
JMRI 2019;49:400, of 3D FSE: sensitivity 0.898, specificity 0.820); a 3D network that
learns the box as it grades (Tack, Front. Bioeng. Biotechnol. 2021;9:747217, of 2,399
DESS scans: ROC AUC of 0.91 to 0.96 by third of the meniscus). Ours: pieces of 56 x 24 x
42 mm around the middle of each meniscus, a small network, and all settings.

    python train.py --preset=meniscus_tear --records=DIR --workdir=DIR

DIR is cut by `records convert --dataset=rois --regions=menisci`. Two pieces a knee are
few: of 40 synthetic knees it learned little (ROC AUC of 20 others 0.68, interval 0.48
to 0.83), of 168 much (of 48 others 0.98, 0.94 to 0.99).
"""

from deepresolve.presets import cartilage_lesion

CONFIG = cartilage_lesion.CONFIG.replace(
    num_levels=4,
    regions="menisci",
    patch_shape=(40, 94, 28),
    learning_rate=1e-3,
    batch_size=8,
    num_epochs=60,
    patches_per_volume=1,
)
