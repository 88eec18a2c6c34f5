"""Sharded records of MR scans: TFRecord files and the manifest that describes them.

`python -m records convert | verify | inspect` makes, checks and shows them;
`records.reader` gives them to training and evaluation. Nothing heavy is imported here:
the command line answers `--help` without waiting for TensorFlow.
"""

# First of all: as a command it leaves the current folder out of what is searched.
import deepresolve  # noqa: F401
from records import neighbours

neighbours.check()
