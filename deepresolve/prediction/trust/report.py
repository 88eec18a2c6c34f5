"""The file beside a prediction: NAME_trust.json.

verdict       "flagged", "nothing flagged", or "not compared" with a training set
flags         what is off: what, found, expected, text
mismatch      of the scan with the training set: every check
notes         what was told when the scan was read; none of an anonymous one
provenance    model, versions, input and command

Beside `mismatch` stand the sections that the task itself measured, in the order of
their names: `anatomy`, whether a label map can be a knee's, `consistency` of a
super-resolution with the acquired slices, `grid`, the voxels in which a segmentation
saw the scan, `measures`, how a knee was measured, `slices`, steps between those, their
`slice_profile` beside what was learned, `self_test` and `learned` of a network of
views, `spread` over mirrored inputs or both views, `undershoot`, the voxels that were
held at the scan's minimum.
"""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
from collections.abc import Sequence
from typing import Any

from deepresolve.imaging import formats
from deepresolve.imaging.acquisition import Acquisition, describe
from deepresolve.imaging.volume import Volume
from deepresolve.prediction.placement import trust_beside
from deepresolve.prediction.trust import mismatch
from deepresolve.runs import training_set
from deepresolve.runs.training_set import TrainingSet
from deepresolve.runs.workdir import versions
from deepresolve.system import files
from deepresolve.tasks.findings import Finding, Section
from deepresolve.tasks.prediction import Prediction
from deepresolve.tasks.trained_run import TrainedRun

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
      trained: the training set of the run, None where it was not recorded.
      training_factor: the training set describes the network's inputs by how many
        slices were made one; this is the number for scans that are taken now, None
        where they are taken as they are.
      model: what is known of the network, as JSON values.
      command: the command line, a flag an item; of an anonymous one only what names
        no file.
      anonymous: leave out the hash of the input, which tells who holds a copy of it
        whose it is.
    """

    trained: TrainingSet | None
    training_factor: int | None
    model: dict[str, str]
    command: tuple[str, ...]
    anonymous: bool = False

    @classmethod
    def of(
        cls,
        run: TrainedRun,
        training_factor: int | None,
        command: tuple[str, ...],
        *,
        anonymous: bool,
    ) -> Trust:
        """For predictions of a run's network; see the attributes.

        Raises:
          ValueError: its training set is damaged.
          OSError: its network cannot be read.
        """
        model = {
            "name": run.config.model,
            "preset": run.config.preset,
            "checkpoint": run.checkpoint,
            "sha256": run.model_sha256,
        }
        if run.about is not None:
            model["about"] = run.about
        return cls(run.training_set, training_factor, model, command, anonymous)

    def write(
        self,
        source: pathlib.Path,
        target: pathlib.Path,
        scan: Volume,
        prediction: Prediction,
        notes: Sequence[str] = (),
    ) -> list[Finding]:
        """Writes the report on one prediction.

        Args:
          source: path of the scan.
          target: path of the result, where it is written already.
          scan: as it was read.
          prediction: what became of it.
          notes: what was told when the scan was read.

        Returns:
          What is off.

        Raises:
          OSError: the report cannot be written, or a file not be read again; the
            result is there.
        """
        content, findings = self.examine(scan, prediction)
        provenance = content["provenance"]
        try:
            # Grades have a file as a DICOM report alone.
            if prediction.volumes or target.is_file():
                provenance["output_sha256"] = formats.sha256(target)
            if not self.anonymous:
                provenance["input_sha256"] = formats.sha256(source)
                # Notes name files, and begin with the scan's.
                content["notes"] = [n.removeprefix(f"{source}: ") for n in notes]
            text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
            # Names of files need not be Unicode; JSON reads what is put for them.
            encoded = text.encode("utf-8", errors="backslashreplace")
            with files.replacing(trust_beside(target)) as temporary:
                temporary.write_bytes(encoded + b"\n")
        except (OSError, ValueError) as error:
            raise OSError(
                f"{target} was written, but not the report on it: {error}"
            ) from error
        return findings

    def examine(
        self, scan: Volume, prediction: Prediction
    ) -> tuple[dict[str, Any], list[Finding]]:
        """The report as JSON values, and what is off, without writing it."""
        # A task that compares the scan with something else brings its own section.
        seen = scan if prediction.seen is None else prediction.seen
        compared = prediction.report.get("mismatch") or self._mismatch(seen)
        sections = dict(sorted({**prediction.report, "mismatch": compared}.items()))
        findings = [f for section in sections.values() for f in section.findings]
        content = {
            "version": _VERSION,
            "verdict": _verdict(findings, compared),
            "flags": [finding._asdict() for finding in findings],
            **{name: section.values for name, section in sections.items()},
            "notes": [],
            "provenance": {
                "model": self.model,
                "versions": versions(),
                "input_sha256": None,
                "output_sha256": None,
                "command": list(self.command),
            },
        }
        return _finite(content), findings

    def _mismatch(self, scan: Volume) -> Section:
        """The scan beside those that the network was trained on."""
        found = describe(scan)
        trained, factor = self.trained, self.training_factor
        seen = trained.inputs(factor) if trained else ()
        if trained is None or not seen:
            why = NOT_RECORDED
            if trained:
                why = f"{training_set.FILE} describes no scan for the factor {factor}"
            compared = {"compared": False, "why": why, "scan": found.to_dict()}
            return Section(compared, _gap_findings(scan))
        items = mismatch.compare(found, seen)
        compared = {
            "compared": True,
            "num_training_scans": trained.num_scans,
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
        return Section(compared, tuple(mismatch.findings(items)))


def _verdict(findings: Sequence[Finding], compared: Section) -> str:
    if findings:
        return "flagged"
    return "nothing flagged" if compared.values["compared"] else "not compared"


def _gap_findings(scan: Volume) -> tuple[Finding, ...]:
    """Gaps are off whatever the training set was: slices are taken to touch."""
    thickness_mm = scan.slice_thickness_mm
    if thickness_mm is None or not scan.has_gaps:
        return ()
    text = mismatch.gap_text(thickness_mm, scan.slice_spacing_mm)
    share = 1 - thickness_mm / scan.slice_spacing_mm
    return (Finding("gap_share", share, [0.0, 0.0], text),)


def _suggested_factor(
    found: Acquisition, seen: Sequence[Acquisition], factor: int | None
) -> dict[str, Any] | None:
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
