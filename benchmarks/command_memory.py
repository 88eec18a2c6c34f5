r"""How much memory each command needs, and what a larger scan adds to that.

    python benchmarks/command_memory.py --output=DIR [--slices=64,128]

A synthetic knee of --pixels rows and columns is made with each number of slices, and
taken through each command as a user starts it. Measured is the peak of the resident
size of the command's largest process (getrusage(2)): of two sizes, what the command
needs anyway and the bytes that it needs for each further voxel, of which follows what a
scan of 384 x 384 x 160 takes. Super-resolution is given a third of the slices, and
voxels are those that it gives. Prints the table and writes memory.json.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from absl import flags

from deepresolve.system import entry, path_flags

ROOT = pathlib.Path(__file__).parent.parent
FLAGS = flags.FLAGS
OAI_VOXELS = 384 * 384 * 160
_FIELD_MM = (140.0, 140.0, 112.0)

path_flags.define("output", None, "Folder for scans, results and the table.")
flags.DEFINE_list("slices", ["64", "128"], "Two numbers of slices.")
flags.DEFINE_integer("pixels", 256, "Rows and columns.", 16)
flags.DEFINE_multi_string("only", [], "Commands, of the table's names; all without.")
flags.mark_flag_as_required("output")


class Peak(NamedTuple):
    """What a command took: GiB of its largest process, and seconds of processors."""

    gib: float
    seconds: float


def peak(*arguments: object) -> Peak:
    """Runs a command of ours to its end.

    Raises:
      ChildProcessError: it failed.
    """
    command = [sys.executable, *map(str, arguments)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ChildProcessError(f"{' '.join(command)}: {process.returncode}")
    return Peak(used.ru_maxrss / 2**20, used.ru_utime + used.ru_stime)


def make_scans(folder: pathlib.Path, slices: int) -> int:
    """Writes a knee of thin slices, its labels and its thick slices.

    Returns:
      Voxels of the thin slices.
    """
    shape = (FLAGS.pixels, FLAGS.pixels, slices)
    spacing_mm = [field / n for field, n in zip(_FIELD_MM, shape, strict=True)]
    (folder / "scans").mkdir(parents=True, exist_ok=True)
    (folder / "labels").mkdir(exist_ok=True)
    knee = [
        *("-m", "deepresolve", "phantom"),
        f"--shape={','.join(map(str, shape))}",
        f"--spacing_mm={','.join(f'{mm:.4f}' for mm in spacing_mm)}",
    ]
    labels = f"--label_output={folder / 'labels' / 'knee.nii.gz'}"
    peak(*knee, f"--output={folder / 'scans' / 'knee.nii.gz'}", labels)
    peak(*knee, f"--output={folder / 'thick.nii.gz'}", "--downsample_factor=3")
    return shape[0] * shape[1] * shape[2]


def commands(folder: pathlib.Path) -> dict[str, list[object]]:
    """The commands by their names in the table, of the scans in a folder."""
    from deepresolve.imaging.labels import format_label_names
    from deepresolve.simulation.phantom import LABEL_NAMES

    names = f"--label_names={format_label_names(LABEL_NAMES)}"
    predict = ["-m", "deepresolve", "predict"]
    thin = f"--input={folder / 'scans' / 'knee.nii.gz'}"
    thick = f"--input={folder / 'thick.nii.gz'}"
    sr = [*predict, "--pretrained=sr_knee", thick, "--downsample_factor=3"]
    seg = [*predict, "--pretrained=seg_knee", thin]
    return {
        "convert": [
            *("-m", "records", "convert", "--dataset=folder", "--num_workers=1"),
            *(f"--source={folder / 'scans'}", f"--labels={folder / 'labels'}", names),
            *("--split=0,0,100", f"--output={folder / 'records'}"),
        ],
        "predict: super-resolution": [
            *(*sr, "--learn=none", f"--output={folder / 'sr.nii.gz'}"),
        ],
        "predict --preview=html": [
            *(*sr, "--learn=none", f"--output={folder / 'srp.nii.gz'}"),
            "--preview=html",
        ],
        "predict --learn=scan": [
            *(*sr, "--learn=scan", f"--output={folder / 'learned.nii.gz'}"),
            "--learn_steps=5",
        ],
        "predict: segmentation": [*seg, f"--output={folder / 'seg.nii.gz'}"],
        "predict: segmentation, --measure": [
            *(*seg, f"--output={folder / 'segm.nii.gz'}", "--measure"),
        ],
        "measure": [
            *("-m", "deepresolve", "measure", names),
            *(f"--input={folder / 'labels'}", f"--output={folder / 'measured.csv'}"),
        ],
        "evaluate: super-resolution": [
            *("evaluate.py", "--workdir=pretrained:sr_knee", "--downsample_factor=3"),
            *(f"--records={folder / 'records'}", f"--output={folder / 'evaluated'}"),
        ],
    }


def measure(output: pathlib.Path) -> Iterator[dict[str, Any]]:
    """One row for each command."""
    folders = [output / f"{slices}-{time.time_ns()}" for slices in FLAGS.slices]
    voxels = [
        make_scans(folder, int(slices))
        for folder, slices in zip(folders, FLAGS.slices, strict=True)
    ]
    of_sizes = list(map(commands, folders))
    for name in FLAGS.only or of_sizes[0]:
        peaks = [peak(*of_size[name]) for of_size in of_sizes]
        gib = [found.gib for found in peaks]
        yield {
            "command": name,
            "voxels": voxels,
            "gib": gib,
            "seconds": [found.seconds for found in peaks],
            **slope(voxels, gib),
        }


def slope(voxels: list[int], gib: list[float]) -> dict[str, float]:
    """Bytes for each voxel between the first size and the last, and what follows."""
    each = (gib[-1] - gib[0]) / (voxels[-1] - voxels[0])
    return {
        "bytes_per_voxel": each * 2**30,
        "oai_gib": gib[-1] + each * (OAI_VOXELS - voxels[-1]),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    sizes = " | ".join(f"{n / 1e6:.1f} million voxels" for n in rows[0]["voxels"])
    lines = [f"| | {sizes} | bytes a further voxel | OAI's 23.6 million |"]
    lines.append("|---" * (len(rows[0]["voxels"]) + 3) + "|")
    for row in rows:
        measured = " | ".join(f"{gib:.2f} GiB" for gib in row["gib"])
        each, oai = row["bytes_per_voxel"], row["oai_gib"]
        lines.append(
            f"| `{row['command']}` | {measured} | {each:.0f} | {oai:.1f} GiB |"
        )
    return "\n".join(lines)


def run() -> None:
    """Measures all and writes the figures down."""
    output = pathlib.Path(FLAGS.output).resolve()
    output.mkdir(parents=True, exist_ok=True)
    rows = []
    for row in measure(output):
        rows.append(row)
        text = json.dumps(rows, indent=2)
        (output / "memory.json").write_text(text + "\n", encoding="utf-8")
        print(table(rows[-1:]), flush=True)
    print(table(rows))


if __name__ == "__main__":
    entry.launch(run)
