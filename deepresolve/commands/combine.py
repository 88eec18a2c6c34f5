"""Combines what networks say of the series of an exam into one answer.

Three networks, one a plane, were each evaluated on two splits. How much each counts is
learned on the exams of one split and tried on those of another:

    deepresolve combine --output=DIR
        --fit=VALID_SAGITTAL,VALID_CORONAL,VALID_AXIAL
        --apply=TEST_SAGITTAL,TEST_CORONAL,TEST_AXIAL

Each is the report of `deepresolve evaluate --workdir=RUN`. Writes report.html,
report.md, report.json, compared.csv and combination.json into --output: curves of the
combination and of each plane, and DeLong's tests between them. Learned and tried on the
same people is refused. With --combination=FILE, a combination.json, in the place of
--fit it is tried on further reports.

Of new exams `predict` wrote a folder a plane, given in the order of --fit:

    deepresolve combine --combination=FILE --output=DIR
        --predicted=GRADED_SAGITTAL,GRADED_CORONAL,GRADED_AXIAL

writes exams.csv, a line an exam. An exam that lacks a plane is left out of a report and
has an empty cell in exams.csv, and is told each time. Needs no TensorFlow.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.system import path_flags, paths, wording

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Sequence

    from deepresolve.evaluation.combining.exams import Answered, Exams
    from deepresolve.evaluation.combining.fitted import Combination

FLAGS = flags.FLAGS

flags.DEFINE_list("fit", [], "Reports to learn from, as a rule of --split=validation.")
flags.DEFINE_list("apply", [], "Reports of other people's exams, to try it on.")
path_flags.define("combination", None, "A combination.json, instead of --fit.")
flags.DEFINE_list("predicted", [], "Folders of predict, one an input, for new exams.")
path_flags.define("output", None, "Local folder of what is written; made if need be.")
flags.DEFINE_list("grades", [], "What to combine, each by itself; none: all there is.")
flags.DEFINE_string(
    "exam",
    "",
    "What names an exam in names of scans: {id} is the exam, * any text, such as "
    "{id}_*. Without it, the name without that of the series: 0001 of 0001_sagittal.",
)
flags.mark_flag_as_required("output")


@flags.multi_flags_validator(
    ["fit", "combination"], "Give one of --fit and --combination."
)
def _learned_somehow(values: dict[str, list[str] | str | None]) -> bool:
    return bool(values["fit"]) != bool(values["combination"])


@flags.multi_flags_validator(
    ["fit", "apply", "predicted"],
    "Give one of --apply and --predicted; --predicted goes with --combination.",
)
def _applied_somehow(values: dict[str, list[str]]) -> bool:
    both = bool(values["apply"]), bool(values["predicted"])
    return both[0] != both[1] and not (values["fit"] and values["predicted"])


def run() -> None:
    """Learns or reads a combination, and applies it."""
    for name in ("fit", "apply", "predicted"):
        for source in _folders(name):
            paths.check_input(f"--{name}", source)
    if FLAGS.combination:
        paths.check_input("--combination", FLAGS.combination)
    paths.check_output_folder(FLAGS.output)

    from deepresolve.reports import writing
    from deepresolve.system import locking

    folder = writing.make_folder(FLAGS.output)
    with locking.held(str(folder), "combination", "give another --output"):
        if FLAGS.predicted:
            _answer(folder)
        else:
            _report(folder)


def _folders(name: str) -> list[str]:
    return [path_flags.expand(part) for part in FLAGS[name].value or ()]


def _report(folder: pathlib.Path) -> None:
    """Tries a combination on exams of which the truth is known.

    Raises:
      ValueError: it cannot be learned, or tried on these.
    """
    import deepresolve
    from deepresolve.evaluation.combining import exams, report
    from deepresolve.evaluation.detection import earlier

    notes: list[str] = []
    combination = _learned(notes)
    found = exams.read(_folders("apply"), FLAGS.exam, [*combination.questions])
    answered = exams.in_order(found, combination.inputs)
    tried_on = _complete(answered, [*combination.questions], "apply", notes)
    people = {person for of in tried_on.values() for person in of.people}
    earlier.check_apart("Weights", combination.people, people)
    provenance = {
        "fit": ", ".join(combination.learned_from),
        "apply": ", ".join(_folders("apply")),
        "exam": FLAGS.exam or "the scan's name without that of the series",
        "deepresolve": deepresolve.__version__,
    }
    tried = report.Tried(combination, tried_on, tuple(notes))
    text, written = report.save(folder, tried, provenance)
    print(text, *written, sep="\n")


def _learned(notes: list[str]) -> Combination:
    """The combination, read or learned; adds what is said of exams left out."""
    from deepresolve.evaluation.combining import exams, fitted
    from deepresolve.evaluation.detection import earlier

    if FLAGS.combination:
        return fitted.chosen(fitted.load(FLAGS.combination), FLAGS.grades)
    folders = _folders("fit")
    for folder in folders:
        if earlier.provenance(folder).get("split") == "train":
            print(
                f"warning: {folder} is of the scans that the network was trained on, "
                "of which it is surer than of others.",
                file=sys.stderr,
            )
    answered = exams.read(folders, FLAGS.exam, FLAGS.grades)
    questions = FLAGS.grades or exams.questions(answered)
    learned_on = _complete(answered, questions, "fit", notes)
    return fitted.learn(tuple(answered), learned_on, tuple(folders))


def _complete(
    answered: Answered, questions: Sequence[str], flag: str, notes: list[str]
) -> dict[str, Exams]:
    """Exams that all inputs answer, by question; adds what is said of the others."""
    from deepresolve.evaluation.combining import exams, report

    found = {}
    for name in questions:
        found[name] = exams.complete(name, answered)
        for note in report.left_out(name, f"--{flag}", found[name]):
            print(f"warning: {note}", file=sys.stderr)
            notes.append(note)
    return found


def _answer(folder: pathlib.Path) -> None:
    """Combines what was predicted of new exams.

    Raises:
      ValueError: it is not what the combination was learned with.
    """
    from deepresolve.evaluation.combining import fitted, new_exams
    from deepresolve.reports import writing

    combination = fitted.chosen(fitted.load(FLAGS.combination), FLAGS.grades)
    folders, inputs = _folders("predicted"), combination.inputs
    if len(folders) != len(inputs):
        raise ValueError(
            f"--predicted has {len(folders)} folders; expected one for each of "
            f"{', '.join(combination.names)}, in this order."
        )
    predicted = [
        new_exams.read(each, of.series, of.network_sha256, FLAGS.exam)
        for each, of in zip(folders, inputs, strict=True)
    ]
    table, lacking = new_exams.to_csv(combination, predicted)
    for note in lacking:
        print(f"warning: {note}; its cell is empty.", file=sys.stderr)
    (path,) = writing.write(folder, {new_exams.FILE: table})
    num_exams = len(table.splitlines()) - 1  # without the names of the columns
    print(f"{path}: {wording.counted(num_exams, 'exam')}")
