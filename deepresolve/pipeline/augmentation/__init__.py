"""Random changes to training patches, one a file: `sample_*` from a seed, `apply_*`.

Patches are (rows, columns, slices, 1) float32, label patches uint8. Everything is
TensorFlow ops without a state, so that it runs in tf.data's own threads and a seed
alone decides what happens.
"""
