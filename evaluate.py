"""Measures a trained network on held-out subjects.

    python evaluate.py --records=DIR --sr_workdir=RUN --output=DIR [--split=test]

Writes report.md, report.json, subjects.csv and super_resolution.png into --output.
"""

from __future__ import annotations

from absl import flags

import deepresolve
from deepresolve import entry, presets

FLAGS = flags.FLAGS

flags.DEFINE_string("records", None, "Folder that `python -m records convert` wrote.")
flags.DEFINE_string("sr_workdir", None, "Workdir of a super-resolution training.")
flags.DEFINE_string("output", None, "Local folder of the report; made if need be.")
flags.DEFINE_enum(
    "split", "test", ["train", "validation", "test"], "Which subjects of the records."
)
flags.DEFINE_enum(
    "checkpoint", "best", ["best", "last"], "Best validation pSNR, or last epoch."
)
flags.DEFINE_integer(
    "downsample_factor",
    None,
    "Thin slices per thick slice spacing. Needed if the network knows several.",
)
flags.mark_flags_as_required(["records", "sr_workdir", "output"])


def run() -> None:
    """Joins records and library; TensorFlow is loaded here, after the flags."""
    from deepresolve.evaluation import figures, report, tables
    from deepresolve.evaluation.subjects import evaluate_super_resolution
    from deepresolve.inference.super_resolution import SuperResolver
    from records import manifest, reader

    stored = manifest.load(FLAGS.records)
    network = SuperResolver.from_workdir(FLAGS.sr_workdir, FLAGS.checkpoint)
    factor = network.choose_factor(FLAGS.downsample_factor)
    folder = report.make_folder(FLAGS.output)
    results = evaluate_super_resolution(
        reader.subjects(FLAGS.records, FLAGS.split),
        network.enhance,
        downsample_factor=factor,
        num_subjects=stored.counts[FLAGS.split],
    )
    about = _flags_and_versions() | {
        "records_sha256": stored.sha256,
        "preset": network.config.preset,
    }
    published = presets.trains_as(network.config, "sr_cnn")
    paths = report.write(
        folder,
        {
            "subjects.csv": report.to_csv(results),
            "super_resolution.png": figures.comparison(results),
            "report.json": report.to_json(results, about),
            "report.md": report.to_markdown(results, about, published=published),
        },
    )
    print(tables.summary(results), "", *paths, sep="\n")


def _flags_and_versions() -> dict[str, str]:
    """What the numbers belong to."""
    import keras
    import scipy
    import skimage
    import tensorflow

    names = ("records", "split", "sr_workdir", "checkpoint")
    modules = (deepresolve, tensorflow, keras, scipy, skimage)
    return {name: FLAGS[name].value for name in names} | {
        module.__name__: module.__version__ for module in modules
    }


if __name__ == "__main__":
    entry.launch(run)
