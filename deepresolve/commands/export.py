r"""A trained network as a SavedModel for TensorFlow Serving.

    deepresolve export \
        --workdir=RUN --output=models/sr --version=1

models/sr/1 takes a whole scan in its own intensity units and gives what
`deepresolve predict --dtype=float32` would: scaling, interpolation,
streaming or windows are part of the graph, and the server needs nothing of this
package. models/models.config names the model to the server. docs/serving.md tells the
rest.
"""

from __future__ import annotations

from absl import flags

from deepresolve.commands import model_flags
from deepresolve.runs import checks
from deepresolve.system import interruption, path_flags, paths

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
    "Networks that are streamed: slices in memory at once, per layer; fewer need less "
    "memory.",
    lower_bound=1,
)
flags.DEFINE_float(
    "memory_gib",
    4.0,
    "Networks that see windows: memory for what the network holds of a request at "
    "once, in GiB.",
    lower_bound=0.1,
)
flags.mark_flag_as_required("output")


def run() -> None:
    """Writes the SavedModel and says how to ask it."""
    checks.check_workdir(model_flags.workdir())
    paths.check_servable(FLAGS.output)
    paths.check_output_folder(FLAGS.output)
    # A preempted job leaves nothing half-written behind.
    interruption.raise_on_sigterm()

    from deepresolve.serving.protocol import require_serving

    require_serving()
    from deepresolve.serving.saved_model import export
    from deepresolve.tasks.servable import ServingOptions
    from deepresolve.tasks.trained_run import TrainedRun

    options = ServingOptions(FLAGS.dtype, FLAGS.block_planes, FLAGS.memory_gib)
    model_flags.announce()
    trained = TrainedRun.open(model_flags.workdir(), FLAGS.checkpoint)
    folder = export(trained, FLAGS.output, FLAGS.version, options)
    print(f"{trained.name} -> {folder}")
    print(f"What to ask it, and in what units: {folder}/assets.extra/deepresolve.json")
