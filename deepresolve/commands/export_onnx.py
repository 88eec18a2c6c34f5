r"""A trained network alone as an ONNX file, for other runtimes than TensorFlow's.

    deepresolve export-onnx --workdir=RUN --output=sr.onnx

The network and nothing around it: what it takes is (1, rows, columns, slices, 1)
float32 of any size, scaled to 0..1, and for super-resolution interpolated onto the thin
grid; what it gives has the same size. A network of views takes (1, pixels, slices, 4),
of an even number of pixels. Nothing is written unless ONNX Runtime gives the output
that TensorFlow does. Without --workdir it is a network of the package (--pretrained,
docs/models.md).
"""

from __future__ import annotations

from absl import flags

from deepresolve.commands import model_flags
from deepresolve.runs import checks
from deepresolve.system import path_flags, paths

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(model_flags)  # so that --help lists them
path_flags.define("output", None, "The .onnx file.")
flags.mark_flag_as_required("output")


def run() -> None:
    """Writes the file and says how near its output is."""
    checks.check_workdir(model_flags.workdir())
    paths.check_output(FLAGS.output)

    from deepresolve.serving.onnx_file import export_onnx
    from deepresolve.tasks.trained_run import TrainedRun

    model_flags.announce()
    trained = TrainedRun.open(model_flags.workdir(), FLAGS.checkpoint)
    difference = export_onnx(trained, FLAGS.output)
    print(
        f"{trained.name} -> {FLAGS.output}; in ONNX Runtime within {difference:.1g} of "
        "the largest output"
    )
