"""A sagittal series after MRNet: Bien et al., PLoS Medicine 2018 (15:e1002699).

Published: slices of 224x224 pixels, features of each slice, the mean over its pixels
and the maximum over slices; a network a question and plane; rotation by 25 degrees, a
shift of 25 pixels and a flip at random; cross-entropy weighted against the rarer
answer. Ours: a backbone that begins with nothing (five levels of 8 to 128 features, 0.3
M parameters) in the place of AlexNet's, which had learned from photographs, batches of
four, and a learning rate for that, which falls as a cosine: by steps every five epochs
it is spent before a few dozen scans have taught anything.

    python train.py --preset=mrnet --records=DIR --workdir=DIR --grades=acl

The paper reports ROC AUC of 0.937, 0.965 and 0.847 for abnormality, ACL tears and
meniscal tears, of three planes together; careful repetitions on its validation set
reach 0.896, 0.842 and 0.773. Expect no more of one plane without AlexNet's weights.
"""

from deepresolve.tasks.classification.settings import ClassificationConfig

CONFIG = ClassificationConfig(
    model="mrnet",
    num_levels=5,
    num_features=8,
    grades=("abnormal",),
    only_series="sagittal",
    patch_shape=(224, 224, 32),
    class_weights="balanced",
    max_rotation_degrees=25.0,
    max_offset=0.11,
    random_flip=True,
    loss="cross_entropy",
    optimizer="adam",
    learning_rate=3e-4,
    schedule="cosine",
    batch_size=4,
    num_epochs=50,
)
