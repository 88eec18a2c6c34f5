"""`measure --page`: one page a knee, and where it goes.

--page=DIR writes DIR/NAME.html for each label map: its numbers, thickness on the bones,
and the label map over the scan that --scan names: one scan, or a folder with a scan of
the same name as each label map.
"""

from __future__ import annotations

import dataclasses
import pathlib
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from absl import flags

from deepresolve.reports import writing
from deepresolve.system import files, path_flags, paths

if TYPE_CHECKING:
    from deepresolve.imaging.volume import Volume
    from deepresolve.quantification.knee import KneeMeasures

FLAGS = flags.FLAGS

path_flags.define("page", None, "Folder for a page of each knee, NAME.html.")
path_flags.define(
    "scan",
    None,
    "With --page: the scan behind the label map, or a folder with one of each name.",
)


@dataclasses.dataclass(frozen=True)
class Pages:
    """Where the pages of a command go.

    Attributes:
      folder: NAME.html of each knee.
      scans: path of the scan by the knee's name; empty without --scan.
      label_names: what values of the label maps mean.
    """

    folder: pathlib.Path
    scans: Mapping[str, pathlib.Path]
    label_names: Mapping[int, str]

    def write(
        self, name: str, path: pathlib.Path, label_map: Volume, knee: KneeMeasures
    ) -> bool:
        """Writes the page of one knee; whether it could be, else it is told.

        Args:
          name: of the knee.
          path: of its label map.
          label_map: that was measured.
          knee: its numbers.
        """
        from deepresolve.imaging import formats
        from deepresolve.reports import knee_page

        target = self.folder / f"{name}.html"
        try:
            scan = None
            if self.scans:
                scan = formats.read_image(self.scans[name])
                label_map = formats.read_label_map(path, image=scan)
            beside = knee_page.Supplement(scan)
            text = knee_page.render(knee, label_map, self.label_names, name, beside)
            target.parent.mkdir(parents=True, exist_ok=True)
            with files.replacing(target) as temporary:
                temporary.write_text(text, encoding="utf-8", newline="\n")
        except (ValueError, OSError) as error:
            print(f"{path}: measured, but without a page: {error}", file=sys.stderr)
            return False
        return True


def plan(names: Sequence[str], label_names: Mapping[int, str]) -> Pages | None:
    """Where pages go, before any work is done; None without --page.

    Args:
      names: of the knees.
      label_names: what values of their label maps mean.

    Raises:
      ValueError: --scan without --page, one scan for several label maps, a label map
        without a scan of its name, or --page is a remote address.
      OSError: there is nothing at --scan, or --page takes no files.
    """
    if FLAGS.page is None:
        if FLAGS.scan is not None:
            raise ValueError("--scan is what pages show: name their folder by --page.")
        return None
    scans = {} if FLAGS.scan is None else _scans(names)
    return Pages(writing.make_folder(FLAGS.page), scans, label_names)


def _scans(names: Sequence[str]) -> dict[str, pathlib.Path]:
    """The scan of each knee."""
    from deepresolve.imaging import formats

    paths.check_input("--scan", FLAGS.scan)
    root = pathlib.Path(FLAGS.scan)
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
        folder = path.parent.relative_to(root)
        name = (folder / formats.scan_stem(path)).as_posix()
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
