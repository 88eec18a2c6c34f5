r"""Every command on every kind of a user's machine, really run, on a few voxels.

    python benchmarks/environments.py --output=DIR [--commands=predict,train] \
        [--machines=notebook]

Prints a table and writes environments.json. In its cells:

    same        what the command leaves is what it leaves on a sound machine
    told        status 1 and a line "error: ...", and nothing is left half-written
    DIFFERENT   it ended with status 0, and left something else
    FAILED      a traceback, or another status

On a full disk `told` is right, and for `export` into a path with brackets, which no
server could load from; everywhere else `same`. About fifteen minutes on two cores.
"""

from __future__ import annotations

import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time

from absl import flags
from environment_cases import commands, machines

from deepresolve.system import entry, files, path_flags

FLAGS = flags.FLAGS

path_flags.define("output", None, "Local folder; must not exist, or be empty.")
flags.DEFINE_list("commands", list(commands.COMMANDS), "Which to run.")
flags.DEFINE_list("machines", list(machines.MACHINES), "On which.")
flags.mark_flag_as_required("output")

_ROOT = pathlib.Path(__file__).parent.parent
_SECONDS = 300


def run() -> int:
    """Runs all; 1 if a cell is not as it should be."""
    output = pathlib.Path(FLAGS.output).absolute()
    given = output / "given"
    files.check_new_folder(output)
    _make_inputs(given)
    names = ["sound", *(name for name in FLAGS.machines if name != "sound")]
    table: dict[str, dict[str, str]] = {}
    for name in names:
        folder, variables = _made(machines.MACHINES[name], output / name, given)
        for command in FLAGS.commands:
            began = time.monotonic()
            outcome = _outcome(name, command, folder, variables)
            sound = table.get(command, {}).get("sound")
            cell = "same" if outcome == sound else outcome
            if cell.startswith("left ") and name != "sound":
                cell = "DIFFERENT"
            table.setdefault(command, {})[name] = cell
            seconds = time.monotonic() - began
            right = "" if _is_right(command, name, cell) else ", WRONG"
            print(f"{command} on {name}: {cell} ({seconds:.0f} s){right}", flush=True)
    (output / "environments.json").write_text(json.dumps(table, indent=1), "utf-8")
    print(_rendered(table, names))
    cells = [(c, m, cell) for c, row in table.items() for m, cell in row.items()]
    return int(not all(_is_right(*cell) for cell in cells))


def _is_right(command: str, name: str, cell: str) -> bool:
    if name == "sound":
        return cell.startswith("left ")
    machine = machines.MACHINES[name]
    unreadable = command == "export" and "[" in machine.name
    is_told = machine.file_bytes is not None or unreadable
    return cell.startswith("told") if is_told else cell == "same"


def _made(machine: machines.Machine, folder: pathlib.Path, given: pathlib.Path):
    """The folder of inputs and results on a machine, and its variables."""
    folder.mkdir(parents=True)
    variables = {**os.environ, **machine.make(folder)}
    if machine.by_home:
        variables["HOME"] = str(folder)
    shutil.copytree(given, folder / machine.name)
    return folder, {k: v for k, v in variables.items() if v is not None}


def _outcome(name: str, command: str, folder: pathlib.Path, variables: dict) -> str:
    """What became of one command, as in the table; "left ..." where it succeeded."""
    machine, asked = machines.MACHINES[name], commands.COMMANDS[command]
    work = folder / machine.name
    made = work / f"made {command}" if machine.name != "work" else work / command
    made.mkdir()
    base = f"~/{machine.name}" if machine.by_home else str(work)
    places = {"given": base, "made": f"{base}/{made.name}"}
    arguments = [argument.format(**places) for argument in asked.arguments]
    if arguments[0].endswith(".py"):
        arguments[0] = str(_ROOT / arguments[0])
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=variables,
        capture_output=True,
        timeout=_SECONDS,
        preexec_fn=lambda: _limit(machine.file_bytes),
    )
    log = done.stdout + done.stderr
    (folder / f"{command}.log").write_bytes(log)
    if done.returncode == 0 and b"Traceback" not in log:
        return f"left {commands.digest(made, asked.results)[:8]}"
    lines = done.stderr.decode(errors="replace").splitlines()
    error = next((line for line in lines if line.startswith("error: ")), "")
    if done.returncode == 1 and error and b"Traceback" not in log:
        left = [f.name for f in made.rglob("*") if f.name.endswith(".tmp")]
        return f"told: {error[7:]}" if not left else f"FAILED: left {left}"
    return f"FAILED: {done.returncode} {lines[-1] if lines else ''}"


def _limit(num_bytes: int | None) -> None:
    if num_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, resource.RLIM_INFINITY))


def _make_inputs(given: pathlib.Path) -> None:
    """Scans, label maps, shards, a run, a report and a study that was read."""
    from deepresolve.imaging.formats import nifti
    from deepresolve.simulation import phantom

    for kind in ("scans", "masks"):
        (given / kind).mkdir(parents=True)
    rows = ["subject;person"]
    for seed, name in enumerate(("André", "Zoë", "c", "d")):
        knee = phantom.knee(seed=seed, shape=(24, 24, 24), spacing_mm=(5.0, 5.0, 5.0))
        label = (knee.label.array > 0).astype("uint8")
        nifti.write(given / "scans" / f"{name}.nii.gz", knee.image)
        nifti.write(given / "masks" / f"{name}.nii.gz", knee.label.with_array(label))
        rows.append(f"{name};p{seed}")
    (given / "people.csv").write_text("\r\n".join(rows), encoding="cp1252")
    for command in ("convert", "train", "evaluate", "prepare"):
        places = {"given": given, "made": given}
        arguments = [a.format(**places) for a in commands.COMMANDS[command].arguments]
        subprocess.run([sys.executable, *arguments], cwd=_ROOT, check=True)
    _read(given / "study")


def _read(folder: pathlib.Path) -> None:
    """Answers all that a study asks, as its page would."""
    from deepresolve.reading.study import Study

    study = Study.load(folder)
    for presentation in study.all_presentations.values():
        images = len(presentation.images)
        answers = [
            (place, question.name, str(question.range(images)[0] + place))
            for question in study.questions
            if question.required
            for place in question.places(images)
        ]
        study.answers.record(presentation.reader, presentation.id, answers)
        study.answers.lock(presentation.reader, presentation.id)


def _rendered(table: dict[str, dict[str, str]], names: list[str]) -> str:
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for command, cells in table.items():
        texts = [cells[name].split(":")[0] for name in names]
        lines.append(f"| {command} | " + " | ".join(texts) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    entry.launch(run)
