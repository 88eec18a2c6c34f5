r"""A trained network as a SavedModel for TensorFlow Serving.

    python -m deepresolve.inference.export \
        --workdir=RUN --output=models/sr --version=1

models/sr/1 takes a whole scan in its own intensity units and gives what
`deepresolve.inference.predict --dtype=float32` would: scaling, interpolation, streaming
or windows are part of the graph, and the server needs nothing of this package.
models/models.config names the model to the server. docs/serving.md tells the rest.
Without --workdir it is a network of the package (--pretrained, docs/models.md).
"""

from __future__ import annotations

from absl import flags

from deepresolve import entry, interruption, path_flags, paths
from deepresolve.inference import model_flags

FLAGS = flags.FLAGS

flags.adopt_module_key_flags(model_flags)  # so that --help lists them
path_flags.define("output", None, "Folder of the model; ends with the model's name.")
flags.DEFINE_integer(
    "version", 1, "A server takes the highest there is.", lower_bound=1
)
flags.DEFINE_enum(
    "dtype",
    "float32",
    ["float32", "bfloat16"],
    "What the network computes in: exact, or faster where the server has it.",
)
flags.DEFINE_integer(
    "block_planes",
    16,
    "Super-resolution: slices in memory at once, per layer; fewer need less memory.",
    lower_bound=1,
)
flags.DEFINE_float(
    "memory_gib",
    4.0,
    "Segmentation: memory for what the network holds of a request at once, in GiB.",
    lower_bound=0.1,
)
flags.mark_flag_as_required("output")


def run() -> None:
    """Writes the SavedModel and says how to ask it."""
    paths.check_workdir(model_flags.workdir())
    paths.check_servable(FLAGS.output)
    paths.check_output_folder(FLAGS.output)
    # A preempted job leaves nothing half-written behind.
    interruption.raise_on_sigterm()

    from deepresolve.inference.serving.protocol import require_serving

    require_serving()
    from deepresolve.inference.serving.saved_model import export
    from deepresolve.inference.serving.signatures import Options
    from deepresolve.workdir import Workdir

    options = Options(
        FLAGS.checkpoint, FLAGS.dtype, FLAGS.block_planes, FLAGS.memory_gib
    )
    model_flags.announce()
    workdir = model_flags.workdir()
    folder = export(Workdir(workdir), FLAGS.output, FLAGS.version, options)
    print(f"{workdir} -> {folder}")
    print(f"What to ask it, and in what units: {folder}/assets.extra/deepresolve.json")


if __name__ == "__main__":
    entry.launch(run)
