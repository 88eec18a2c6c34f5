"""What `measure --page` writes of each knee: a page for a browser."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from deepresolve.imaging import formats
from deepresolve.imaging.formats import label_maps
from deepresolve.prediction import visits
from deepresolve.prediction.measured_map import Measured, knee_name
from deepresolve.prediction.placement import trust_beside
from deepresolve.prediction.visits import Measures
from deepresolve.quantification import unrolled
from deepresolve.quantification.change import Key
from deepresolve.reports import knee_page, thickness_figure, writing
from deepresolve.system import files, paths, tables

_CAPTION = (
    "Each plate laid flat, lateral and medial as the letters say: thickness in mm, "
    "regions outlined."
)


@dataclasses.dataclass(frozen=True)
class PageFiles:
    """The page of each knee, by its name in the table. It pickles.

    Attributes:
      folder: NAME.html of each knee.
      scans: path of the scan behind each label map by the knee's name; empty: none.
      baseline: what was measured before, by the knee's name in Unicode's NFC; None
        where changes are not asked for.
      least: the smallest changes that can be told from none.
    """

    folder: pathlib.Path
    scans: Mapping[str, pathlib.Path]
    baseline: Mapping[str, Measures] | None = None
    least: Mapping[Key, float] = dataclasses.field(default_factory=dict)

    def are_of(self, name: str, path: pathlib.Path, fingerprint: str) -> bool:
        """Whether the page is there, made of these numbers, scan and trust report.

        Args:
          name: of the knee.
          path: of its label map.
          fingerprint: what its numbers follow from.
        """
        page = self._path(name)
        if not page.exists():
            return False
        return knee_page.fingerprint(page) == self._print(name, path, fingerprint)

    def _print(self, name: str, path: pathlib.Path, fingerprint: str) -> str:
        """What the page follows from: numbers, scan, trust report, baseline."""
        beside = [self.scans[name]] if self.scans else []
        report = trust_beside(path)
        told = [fingerprint, *(formats.sha256(scan) for scan in beside)]
        if report.exists():
            told.append(report.read_text(encoding="utf-8"))
        if self.baseline is not None:
            before = self.baseline.get(tables.normal(name))
            told.append(repr((before, sorted(self.least.items()))))
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    def write(self, name: str, measured: Measured) -> None:
        """Writes the page of one knee.

        Args:
          name: of the knee.
          measured: it.

        Raises:
          ValueError: the label map does not lie on the scan, or the scan cannot be
            read.
          OSError: the disk is full, or the folder cannot be written to.
        """
        scan, label_map = None, measured.label_map
        if self.scans:
            scan = formats.read_image(self.scans[name])
            label_map = label_maps.on_image(label_map, scan, measured.path)
        knee = measured.knee
        flat = [unrolled.flatten(knee, plate) for plate in knee.plates]
        headline = thickness_figure.headline_of(name, knee.side)
        figure = thickness_figure.draw(flat, headline)
        beside = knee_page.Supplement(
            scan=scan,
            findings=_findings(measured.path),
            intervals=knee.intervals,
            figures=(knee_page.Illustration(figure, "Laid flat", _CAPTION),),
            fingerprint=self._print(name, measured.path, measured.fingerprint),
            changes=self._changes(name, measured),
        )
        names = measured.label_names
        text = knee_page.render(knee, label_map, names, name, beside)
        target = self._path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(target) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")

    def _changes(self, name: str, measured: Measured) -> knee_page.Changes | None:
        """What changed since the baseline; None where that is not asked for."""
        if self.baseline is None:
            return None
        before = self.baseline.get(tables.normal(name))
        if before is None:
            return knee_page.Changes({}, "The baseline has no knee of this name.")
        after = visits.by_place(measured.rows)
        try:
            return knee_page.Changes(visits.compared(name, before, after, self.least))
        except ValueError as error:
            return knee_page.Changes({}, f"Not compared with the baseline: {error}")

    def _path(self, name: str) -> pathlib.Path:
        return self.folder / f"{name}.html"


class _Flag(NamedTuple):
    text: str


def _findings(path: pathlib.Path) -> list[_Flag] | None:
    """What the trust report beside a label map flags; None where there is none."""
    report = trust_beside(path)
    if not report.exists():
        return None
    try:
        told = json.loads(report.read_text(encoding="utf-8"))
        return [_Flag(str(flag["text"])) for flag in told["flags"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{report} is no trust report ({error!r}). Segment the scan again, or move "
            "the file away."
        ) from error


def plan(
    folder: str,
    scan: str | None,
    names: Sequence[str],
    baseline: Mapping[str, Measures] | None = None,
    least: Mapping[Key, float] | None = None,
) -> PageFiles:
    """Where pages go, before any work is done.

    Args:
      folder: what --page named.
      scan: what --scan named; None: nothing.
      names: of the knees.
      baseline: what was measured before, as `visits.read` gives it.
      least: the smallest changes that can be told from none.

    Raises:
      ValueError: one scan for several label maps, a label map without a scan of its
        name, or a remote folder.
      OSError: there is nothing at `scan`, or the folder takes no files.
    """
    scans = {} if scan is None else _scans(scan, names)
    if baseline is not None:
        # Of these knees alone: workers are sent what they need.
        own = map(tables.normal, names)
        baseline = {name: baseline[name] for name in own if name in baseline}
    return PageFiles(writing.make_folder(folder), scans, baseline, least or {})


def _scans(scan: str, names: Sequence[str]) -> dict[str, pathlib.Path]:
    """The scan of each knee."""
    paths.check_input("--scan", scan)
    root = pathlib.Path(scan)
    found = formats.find_scans(root)
    if found == [root]:
        if len(names) > 1:
            raise ValueError(
                f"--scan={root} is one scan, and there are {len(names)} label maps. "
                "Name a folder with a scan of the name of each."
            )
        return {names[0]: root}
    scans: dict[str, pathlib.Path] = {}
    for path in found:
        name = knee_name(root, path)
        if scans.setdefault(name, path) is not path:
            raise ValueError(
                f"--scan: {scans[name]} and {path} have one name. Move or rename one."
            )
    if missing := [name for name in names if name not in scans]:
        raise ValueError(
            f"--scan={root} holds no scan named {missing[0]!r}, as its label map is; "
            f"there are: {', '.join(list(scans)[:5])}."
        )
    return {name: scans[name] for name in names}
