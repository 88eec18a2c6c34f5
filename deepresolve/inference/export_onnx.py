r"""A trained network alone as an ONNX file, for other runtimes than TensorFlow's.

    python -m deepresolve.inference.export_onnx --workdir=RUN --output=sr.onnx

The network and nothing around it: what it takes is (1, rows, columns, slices, 1)
float32 of any size, scaled to 0..1, and for super-resolution interpolated onto the thin
grid; what it gives has the same size. Nothing is written unless ONNX Runtime gives the
output that TensorFlow does.
"""

from __future__ import annotations

from absl import flags

from deepresolve import entry

FLAGS = flags.FLAGS

flags.DEFINE_string("workdir", None, "Folder of the run that trained the network.")
flags.DEFINE_string("output", None, "The .onnx file.")
flags.DEFINE_enum(
    "checkpoint", "best", ["best", "last"], "Best validation score, or last epoch."
)
flags.mark_flags_as_required(["workdir", "output"])


def run() -> None:
    """Writes the file and says how near its output is."""
    from deepresolve.inference.onnx_file import export_onnx
    from deepresolve.workdir import Workdir

    difference = export_onnx(Workdir(FLAGS.workdir), FLAGS.output, FLAGS.checkpoint)
    print(
        f"{FLAGS.workdir} -> {FLAGS.output}; in ONNX Runtime within {difference:.1g} "
        "of the largest output"
    )


if __name__ == "__main__":
    entry.launch(run)
