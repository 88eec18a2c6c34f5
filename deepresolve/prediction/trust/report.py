"""The file beside a prediction: NAME_trust.json.

verdict       "flagged", "nothing flagged", or "not compared" with a training set
flags         what is off: what, found, expected, text
consistency   of a super-resolution with the acquired slices
mismatch      of the scan with the training set: every check
spread        over mirrored inputs, where it was asked for
undershoot    of a super-resolution: voxels that were held at the scan's minimum
notes         what was told when the scan was read; none of an anonymous one
provenance    model, versions, input and command
"""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
from collections.abc import Sequence
from typing import Any

from deepresolve.imaging import formats
from deepresolve.imaging.acquisition import describe
from deepresolve.imaging.floor import Undershoot
from deepresolve.imaging.volume import Volume
from deepresolve.prediction.outputs import trust_beside
from deepresolve.prediction.trust import consistency, mismatch, spread, undershoot
from deepresolve.prediction.trust.flags import Flag
from deepresolve.runs import pretrained, training_set
from deepresolve.runs.training_set import TrainingSet
from deepresolve.runs.workdir import Workdir, versions
from deepresolve.system import files

NOT_RECORDED = (
    f"the training set is not recorded: no {training_set.FILE} in the workdir, and the "
    "scan was compared with nothing. Run train.py again with the flags of the run: "
    "it writes the file, and a complete run trains no further"
)

_VERSION = 1


@dataclasses.dataclass(frozen=True)
class Trust:
    """What the reports of a command have in common. It pickles.

    Attributes:
      task: of the run.
      trained: its training set, None where it was not recorded.
      model: what is known of the network, as JSON values.
      command: the command line, a flag an item; of an anonymous one only what names
        no file.
      anonymous: leave out the hash of the input, which tells who holds a copy of it
        whose it is.
    """

    task: str
    trained: TrainingSet | None
    model: dict[str, str]
    command: tuple[str, ...]
    anonymous: bool = False

    def report(
        self,
        path: pathlib.Path,
        scan: Volume,
        result: Volume,
        target: pathlib.Path,
        spread_numbers: dict[str, Any] | None,
        held: Undershoot | None = None,
        notes: Sequence[str] = (),
    ) -> list[Flag]:
        """Writes the report on one prediction.

        Args:
          path: of the scan.
          scan: as it was read.
          result: as it was written.
          target: where.
          spread_numbers: what the writer measured, None where it did not.
          held: what the writer held at the scan's minimum; None of a label map.
          notes: what was told when the scan was read.

        Returns:
          What is off.

        Raises:
          OSError: the report cannot be written, or a file not be read again; the
            result is there.
        """
        content, flags = self.examine(scan, result, spread_numbers, held)
        provenance = content["provenance"]
        try:
            provenance["output_sha256"] = formats.sha256(target)
            if not self.anonymous:
                provenance["input_sha256"] = formats.sha256(path)
                # Notes name files, and begin with the scan's.
                content["notes"] = [n.removeprefix(f"{path}: ") for n in notes]
            text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
            # Names of files need not be Unicode; JSON reads what is put for them.
            encoded = text.encode("utf-8", errors="backslashreplace")
            with files.replacing(trust_beside(target)) as temporary:
                temporary.write_bytes(encoded + b"\n")
        except (OSError, ValueError) as error:
            raise OSError(
                f"{target} was written, but not the report on it: {error}"
            ) from error
        return flags

    def examine(
        self,
        scan: Volume,
        result: Volume,
        spread_numbers: dict[str, Any] | None,
        held: Undershoot | None = None,
    ) -> tuple[dict[str, Any], list[Flag]]:
        """The report as JSON values, and what is off; see `report`."""
        consistent, factor, flags = self._consistency(scan, result)
        compared, off = self._mismatch(scan, factor)
        flags += off
        if spread_numbers:
            flags += spread.flags(spread_numbers)
        if held:
            flags += undershoot.flags(held)
        content = {
            "version": _VERSION,
            "verdict": self._verdict(flags, compared),
            "flags": [flag._asdict() for flag in flags],
            "consistency": consistent,
            "mismatch": compared,
            "spread": spread_numbers or spread.NOT_MEASURED,
            "undershoot": undershoot.to_dict(held) if held else undershoot.NOT_MEASURED,
            "notes": [],
            "provenance": {
                "model": self.model,
                "versions": versions(),
                "input_sha256": None,
                "output_sha256": None,
                "command": list(self.command),
            },
        }
        return _finite(content), flags

    def _consistency(
        self, scan: Volume, result: Volume
    ) -> tuple[dict[str, Any], int | None, list[Flag]]:
        """As JSON values; the factor, None of a label map; and what is off."""
        if self.task != "super_resolution":
            why = "only thin slices can be made thick again"
            return {"measured": False, "why": why}, None, []
        found = consistency.measure(scan, result)
        factor = (result.num_slices - 1) // (scan.num_slices - 1)
        return found.to_dict(), factor, consistency.flags(found)

    def _mismatch(
        self, scan: Volume, factor: int | None
    ) -> tuple[dict[str, Any], list[Flag]]:
        found = describe(scan)
        seen = self.trained.inputs(factor) if self.trained else ()
        if not seen:
            why = NOT_RECORDED
            if self.trained:
                why = f"{training_set.FILE} describes no scan for the factor {factor}"
            compared = {"compared": False, "why": why, "scan": found.to_dict()}
            return compared, _gap_flag(scan)
        items = mismatch.compare(found, seen)
        compared = {
            "compared": True,
            "num_training_scans": self.trained.num_scans,
            "num_described": len(seen),
            "downsample_factor": _suggested_factor(found, seen, factor),
            "checks": [
                {
                    "what": item.what,
                    "found": item.found,
                    "expected": item.expected,
                    "flagged": item.text is not None,
                }
                for item in items
            ],
        }
        return compared, mismatch.flags(items)

    @staticmethod
    def _verdict(flags: list[Flag], compared: dict[str, Any]) -> str:
        if flags:
            return "flagged"
        return "nothing flagged" if compared["compared"] else "not compared"


def load(
    workdir: str,
    checkpoint: str,
    command: tuple[str, ...],
    *,
    anonymous: bool,
) -> Trust:
    """What a command's reports have in common.

    Args:
      workdir: folder of the run that trained the network.
      checkpoint: "best" or "last".
      command: as in `Trust`.
      anonymous: as in `Trust`.

    Raises:
      ValueError: the workdir is none, or its training set is damaged.
      OSError: its network cannot be read.
    """
    run = Workdir(workdir)
    config = run.load_config()
    model = {
        "name": config.model,
        "preset": config.preset,
        "checkpoint": checkpoint,
        "sha256": run.model_sha256(checkpoint),
    }
    if pretrained.is_pretrained(workdir):
        model["about"] = pretrained.describe(workdir.removeprefix(pretrained.PREFIX))
    return Trust(config.task, training_set.load(run), model, command, anonymous)


def _gap_flag(scan: Volume) -> list[Flag]:
    """Gaps are off whatever the training set was: slices are taken to touch."""
    if not scan.has_gaps:
        return []
    text = mismatch.gap_text(scan.slice_thickness_mm, scan.slice_spacing_mm)
    share = 1 - scan.slice_thickness_mm / scan.slice_spacing_mm
    return [Flag("gap_share", share, [0.0, 0.0], text)]


def _suggested_factor(found, seen, factor: int | None) -> dict[str, Any] | None:
    """Thin slices of the training scans that a slice of this one is as thick as."""
    if factor is None:
        return None
    thin_mm = sum(s.slice_spacing_mm for s in seen) / len(seen) / factor
    thick_mm = found.slice_thickness_mm or found.slice_spacing_mm
    return {"found": round(thick_mm / thin_mm, 2), "expected": factor}


def _finite(value: Any) -> Any:
    """The value with null for infinity and NaN, which JSON lacks."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
