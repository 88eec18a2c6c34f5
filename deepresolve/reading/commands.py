"""The commands of `deepresolve reading`, run once their flags are parsed."""

from __future__ import annotations

import argparse
import pathlib

from deepresolve.system.extras import how_to_install


def prepare(flags: argparse.Namespace) -> int:
    """Makes a study."""
    from deepresolve.reading.study import preparation, questions

    given = flags.questions
    design = preparation.Design(
        title=flags.title,
        questions=questions.load(given) if given else questions.DEFAULT,
        readers=flags.readers,
        image_sets=flags.image_sets,
        num_cases=flags.num_cases,
        repeats=flags.repeats,
        seed=flags.seed,
    )
    study = preparation.prepare(flags.evaluation, flags.output, design)
    counts = ", ".join(f"{name} {len(ids)}" for name, ids in study.order.items())
    print(f"{flags.output}: {study.num_images} images side by side; cases: {counts}")
    print(f"SHA-256 of the sealed key: {study.key_sha256}")
    print(f"Open it: deepresolve reading serve --study={flags.output}")
    return 0


def serve(flags: argparse.Namespace) -> int:
    """Serves a study until it is stopped."""
    try:
        from deepresolve.reading.server import listening
    except ImportError as error:
        raise ValueError(
            f"{error.name} is not installed: {how_to_install('reading')}."
        ) from error
    listening.serve(
        pathlib.Path(flags.study),
        host=flags.host,
        port=flags.port,
        tokens=flags.tokens,
        new_tokens=flags.new_tokens,
        url=flags.url,
    )
    return 0


def analyse(flags: argparse.Namespace) -> int:
    """Writes the report of a study."""
    from deepresolve.reading.analysis import analyse

    print(*analyse.write_report(flags.study, flags.output), sep="\n")
    return 0


COMMANDS = {"prepare": prepare, "serve": serve, "analyse": analyse}
