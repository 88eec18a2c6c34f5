"""Passes standard input on to standard error, without TensorFlow's start-up chatter.

    python sift.py gpu|no-gpu < lines

A process of its own: nothing of this package is imported.
"""

from __future__ import annotations

import re
import sys

# "I0000 00:00:1795989245.817340   32040 port.cc:153] ...", and of TensorFlow up to 2.17
# "2024-03-18 10:20:11.123456: I tensorflow/core/util/port.cc:113] ...".
_HEADER = r"(?:{0}\d{{4}} [\d:.]+ +\d+ |\d{{4}}-\d\d-\d\d [\d:.]+: {0} )"
_CHATTER = re.compile(
    "|".join(
        [
            # What TF_CPP_MIN_LOG_LEVEL=2 hides once it counts.
            _HEADER.format("I"),
            _HEADER.format("W") + r".*(?:tf2tensorrt|TF-TRT|computation placer)",
            r"WARNING: All log messages before absl::InitializeLog\(\) is called",
            # The second line of one about the processor.
            r"To enable the following instructions: .*rebuild TensorFlow with",
            # Two plugins come with TensorFlow's CUDA packages, and the first counts.
            _HEADER.format("E") + r".*Unable to register cu(?:DNN|FFT|BLAS) factory",
            # Devices are hidden by CUDA_VISIBLE_DEVICES.
            _HEADER.format("E") + r".*failed call to cuInit: .*NO_DEVICE",
            # A shape is worked out by Eigen in place of oneDNN.
            _HEADER.format("E") + r".*oneDNN supports DT_INT32 only",
        ]
    )
)
_NO_GPU = re.compile(
    _HEADER.format("E") + r".*failed call to cuInit|" + _HEADER.format("W")
)


def is_chatter(line: str, *, has_gpu: bool) -> bool:
    """Whether a line of standard error tells a user nothing.

    Args:
      line: as TensorFlow wrote it.
      has_gpu: whether the machine has one: then it is an error that it does not start.
    """
    return bool(_CHATTER.match(line) or (not has_gpu and _NO_GPU.match(line)))


def main() -> None:
    """Passes lines on as they come."""
    has_gpu = sys.argv[1] == "gpu"
    for line in sys.stdin.buffer:
        if not is_chatter(line.decode("utf-8", "replace"), has_gpu=has_gpu):
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


if __name__ == "__main__":
    main()
