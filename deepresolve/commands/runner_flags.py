"""Flags that say who does the work on many scans."""

from __future__ import annotations

from absl import flags

FLAGS = flags.FLAGS

flags.DEFINE_enum(
    "runner",
    "local",
    ["local", "beam"],
    "Who does the work: this machine, or the workers of Apache Beam.",
)
flags.DEFINE_string(
    "beam_options",
    "",
    "With --runner=beam: options of its pipeline, in quotes, such as "
    "'--runner=DataflowRunner --project=NAME'. Without any: on this machine.",
)


def check() -> None:
    """ValueError for options of a runner that does not do the work."""
    if FLAGS["beam_options"].present and FLAGS.runner != "beam":
        raise ValueError("--beam_options: only with --runner=beam.")
