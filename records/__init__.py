"""Sharded records of MR scans: TFRecord files and the manifest that describes them.

`python -m records convert | verify | inspect` makes, checks and shows them;
`records.reader` gives them to training and evaluation. Nothing is imported here: the
command line answers `--help` without waiting for TensorFlow.
"""
