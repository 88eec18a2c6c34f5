r"""Whether a training that is killed again and again ends as if nothing had happened.

    python benchmarks/endurance.py --output=DIR [--kills=10]

Trains `sr_cnn_small` and `seg_cnn_small` for a few epochs on synthetic knees: once
undisturbed, and once ended by SIGTERM, as a preempted job is, then killed by SIGKILL at
random moments (within a step, a save or a validation), and started again each time. In
between its workdir is moved, to names that TensorFlow would read as patterns; the
environment is a notebook's; and a second process is started beside the first, which
must refuse. The last checkpoints of both are compared bit by bit: weights, optimizer,
counters, best score, and what dropout draws next. Prints the table and writes
endurance.json; ends with status 1 where anything differs.

A checkpoint is saved after each step, so that a kill loses one step at most. Of the
counters, only the seconds spent and the number of saves may differ.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from absl import flags

from deepresolve.system import entry, path_flags

ROOT = pathlib.Path(__file__).parent.parent
FLAGS = flags.FLAGS
PRESETS = {"super_resolution": "sr_cnn_small", "segmentation": "seg_cnn_small"}
# Names of what is no part of the state: the clock, and the checkpoint's own book.
NO_STATE = ("progress/seconds/", "save_counter/", "_CHECKPOINTABLE_OBJECT_GRAPH")
LONGEST_DELAY_SECONDS = 0.3
# What the killed workdir is called, one after the other.
NAMES = ("x=[1,2]", "a*b?", "{é中} %20", "back\\slash", "plain")
# As the kernel of a notebook leaves it to what is started from one.
NOTEBOOK = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}

path_flags.define("output", None, "Folder for records, workdirs and the table.")
path_flags.define("records", None, "Records; by default synthetic knees are made.")
flags.DEFINE_multi_enum("task", list(PRESETS), list(PRESETS), "Task; may be repeated.")
flags.DEFINE_integer("kills", 10, "SIGKILLs of each task.", 1)
flags.DEFINE_integer("seed", 0, "Seed of their moments.")
flags.DEFINE_integer("num_epochs", 3, "Epochs.", 1)
flags.DEFINE_integer("steps_per_epoch", 12, "Steps of each.", 1)
flags.DEFINE_multi_string("sr_flag", [], "Further flags of the super-resolution.")
flags.DEFINE_multi_string("seg_flag", [], "Further flags of the segmentation.")
flags.mark_flag_as_required("output")


def convert(folder: pathlib.Path) -> None:
    """Makes the records: three synthetic knees, one for each split."""
    command = [sys.executable, "-m", "records", "convert", "--dataset=phantom"]
    command += ["--num_subjects=3", "--phantom_shape=112,112,81", "--split=34,33,33"]
    command += ["--phantom_spacing_mm=1,1,1.2", f"--output={folder}"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


class Training:
    """One run of train.py: all that belongs to its workdir.

    Args:
      task: "super_resolution" or "segmentation".
      records: of the training scans.
      workdir: made by the run.
    """

    def __init__(self, task: str, records: pathlib.Path, workdir: pathlib.Path):
        own = FLAGS.sr_flag if task == "super_resolution" else FLAGS.seg_flag
        self.workdir = workdir
        self.log = workdir.with_suffix(".log")
        self._flags = [
            *(f"--preset={PRESETS[task]}", f"--records={records}", "--max_minutes=0"),
            *("--deterministic", "--checkpoint_minutes=0"),
            *(f"--num_epochs={FLAGS.num_epochs}",),
            *(f"--steps_per_epoch={FLAGS.steps_per_epoch}", *own),
        ]

    def start(self, log: pathlib.Path | None = None) -> subprocess.Popen:
        """Starts the process; what it says is added to the log."""
        command = [sys.executable, "train.py", f"--workdir={self.workdir}"]
        environment = {**os.environ, **NOTEBOOK}
        with (log or self.log).open("ab") as file:
            return subprocess.Popen(
                command + self._flags,
                cwd=ROOT,
                stdout=file,
                stderr=file,
                env=environment,
            )

    def move(self, name: str) -> None:
        """Gives the workdir another name."""
        self.workdir = self.workdir.rename(self.workdir.with_name(name))

    def second_status(self) -> int:
        """Starts the process and, while that stands still, a second one.

        Returns:
          Status of the second; the first is killed. -1 where the second did not say
          that there is a first.
        """
        process = self.start()
        before = self._num_saves()
        while process.poll() is None and self._num_saves() <= before:
            time.sleep(0.005)
        process.send_signal(signal.SIGSTOP)
        log = self.log.with_suffix(".second.log")
        status = self.start(log).wait()
        process.kill()
        process.wait()
        told = "is being written by another training: process" in log.read_text()
        return status if told else -1

    def finish(self) -> None:
        """Runs to the end.

        Raises:
          ChildProcessError: it failed; its log says why.
        """
        if status := self.start().wait():
            raise ChildProcessError(f"Status {status}: see {self.log}.")

    def interrupt(self, number: int, after: int, delay: float) -> dict[str, Any]:
        """Starts the process and sends it a signal.

        Args:
          number: of the signal.
          after: saves of the whole run to wait for, and at least one of this process.
          delay: seconds to wait then.

        Returns:
          The process's status, and its seconds from the signal to the end.
        """
        after = max(after, self._num_saves() + 1)
        process = self.start()
        while process.poll() is None and self._num_saves() < after:
            time.sleep(0.005)
        time.sleep(delay)
        sent = time.monotonic()
        process.send_signal(number)
        status = process.wait()
        return {"status": status, "seconds": time.monotonic() - sent}

    def _num_saves(self) -> int:
        book = self.workdir / "checkpoints" / "checkpoint"
        text = book.read_text(encoding="utf-8") if book.exists() else ""
        found = re.search(r'^model_checkpoint_path: "ckpt-(\d+)"', text, re.MULTILINE)
        return int(found[1]) if found else 0

    def resumed_at(self) -> list[int]:
        """Steps at which its processes went on."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return [int(step) for step in re.findall(r"Resuming .* at step (\d+) ", text)]

    def state(self) -> Iterator[tuple[str, Any]]:
        """Name and array of all that the last checkpoint holds."""
        import tensorflow as tf

        latest = tf.train.latest_checkpoint(str(self.workdir / "checkpoints"))
        reader = tf.train.load_checkpoint(latest)
        for name in sorted(reader.get_variable_to_shape_map()):
            if not name.startswith(NO_STATE):
                yield name, reader.get_tensor(name)


def moments(seed: str) -> Iterator[tuple[int, float]]:
    """Where each kill goes: saves of the run to wait for, and seconds then."""
    generator = random.Random(seed)  # noqa: S311 (no secret)
    # Steps are left for a kill that comes late.
    stop = FLAGS.num_epochs * FLAGS.steps_per_epoch - 2 * FLAGS.kills
    for step in sorted(generator.choices(range(stop), k=FLAGS.kills)):
        yield step, generator.uniform(0, LONGEST_DELAY_SECONDS)


def endure(task: str, records: pathlib.Path, output: pathlib.Path) -> dict[str, Any]:
    """Trains one task both ways and compares."""
    undisturbed = Training(task, records, output / f"{task}_undisturbed")
    undisturbed.finish()
    killed = Training(task, records, output / f"{task}_killed")
    ended = killed.interrupt(signal.SIGTERM, 2, 0.0)
    second = killed.second_status()
    names = itertools.cycle(f"{task}_{name}" for name in NAMES)
    for step, delay in moments(f"{FLAGS.seed} {task}"):
        killed.move(next(names))
        killed.interrupt(signal.SIGKILL, step, delay)
    killed.move(f"{task}_killed")
    killed.finish()
    return {
        "task": task,
        "second_status": second,
        "kills": FLAGS.kills,
        "resumed_at_steps": killed.resumed_at(),
        "sigterm_status": ended["status"],
        "sigterm_seconds": ended["seconds"],
        **compare(dict(undisturbed.state()), dict(killed.state())),
    }


def compare(state: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What differs between two checkpoints."""
    same_names = state.keys() == other.keys()
    different = sorted(
        name
        for name in state.keys() | other.keys()
        if name not in state
        or name not in other
        or state[name].tobytes() != other[name].tobytes()
    )
    gaps = [abs(state[n] - other[n]).max() for n in different] if same_names else []
    return {
        "tensors": len(state),
        "tensors_that_differ": different,
        "largest_difference": float(max(gaps, default=0)),
    }


def run() -> int:
    """Runs the tasks, side by side, and writes the table.

    Returns:
      0 where all is the same, 1 where anything differs.
    """
    output = pathlib.Path(FLAGS.output).resolve()
    output.mkdir(parents=True, exist_ok=True)
    records = pathlib.Path(FLAGS.records or output / "records").resolve()
    if not FLAGS.records:
        convert(records)
    with concurrent.futures.ThreadPoolExecutor() as threads:
        results = list(
            threads.map(lambda task: endure(task, records, output), FLAGS.task)
        )
    text = json.dumps(results, indent=2)
    (output / "endurance.json").write_text(text + "\n", encoding="utf-8")
    print(table(results))
    return int(
        any(r["tensors_that_differ"] or r["second_status"] != 1 for r in results)
    )


def table(results: list[dict[str, Any]]) -> str:
    """The results as Markdown."""
    lines = [
        "| task | SIGTERM | a second start | SIGKILLs, moved each time | resumed at "
        "step | tensors | differ |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in results:
        ended = f"status {result['sigterm_status']}, {result['sigterm_seconds']:.1f} s"
        steps = ", ".join(map(str, result["resumed_at_steps"]))
        cells = [result["task"], ended, f"status {result['second_status']}"]
        cells += [result["kills"], steps, result["tensors"]]
        cells.append(len(result["tensors_that_differ"]))
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    entry.launch(run)
