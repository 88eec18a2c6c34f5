"""A figure or a page for each scan, and where it goes: the result beside the scan."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Iterator, Mapping, Sequence

from deepresolve.imaging.volume import Volume
from deepresolve.prediction.placement import Pair, without_ending
from deepresolve.reports.preview import (
    ImagePreview,
    LabelMapPreview,
    Preview,
    figure,
    page,
)
from deepresolve.reports.preview.graded import GradePreview, Looked
from deepresolve.system import files
from deepresolve.tasks.grades import Grade
from deepresolve.tasks.prediction import Grades, Labels, Prediction

# By the ending of the file: each writes a `Preview` to a path.
KINDS = {
    ".png": figure.write,
    ".html": page.write,
}


@dataclasses.dataclass(frozen=True)
class Previews:
    """Where the previews of a command go.

    Attributes:
      paths: the preview of each result, by the result's path.
      anonymous: name neither of the two files, whose names may be a patient's.
    """

    paths: Mapping[pathlib.Path, pathlib.Path]
    anonymous: bool = False

    def remove(self, target: pathlib.Path) -> None:
        """Deletes the preview of an earlier result at `target`, if there is one."""
        self.paths[target].unlink(missing_ok=True)

    def write(
        self,
        scan: pathlib.Path,
        target: pathlib.Path,
        volume: Volume,
        prediction: Prediction,
    ) -> None:
        """Writes the preview of one scan, and the folders above it.

        It names the two files, unless anonymous, and nothing of a DICOM header.

        Args:
          scan: path of the scan.
          target: path of its result.
          volume: the scan.
          prediction: with an image, a label map or grades.

        Raises:
          OSError: it cannot be written; the result is there.
        """
        path = self.paths[target]
        names = ("scan", "result")
        if not self.anonymous:
            names = (_name(scan), _name(target))
        shown = _shown(prediction, volume, *names)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.replacing(path) as temporary:
                KINDS[path.suffix.lower()](temporary, shown)
        except OSError as error:
            raise OSError(
                f"{target} was written, but not its preview {path}: {error}"
            ) from error


def _shown(
    prediction: Prediction, scan: Volume, scan_name: str, result_name: str
) -> Preview:
    """The preview of a prediction, by its kind."""
    if isinstance(prediction.kind, Grades):
        looked = [one for grade in prediction.grades for one in _looked(grade)]
        return GradePreview(scan, scan_name, result_name, looked)
    if isinstance(prediction.kind, Labels):
        names = prediction.kind.class_names
        return LabelMapPreview(scan, prediction.main, scan_name, result_name, names)
    return ImagePreview(scan, prediction.main, scan_name, result_name)


def _looked(grade: Grade) -> Iterator[Looked]:
    """Each answer to what the grade is, with the place that the network looked at."""
    found = f"{grade.name}: grade {grade.value} of 0 to {grade.highest}"
    for one in grade.answers:
        yield Looked(one.question, found, one.probability, one.of_slices, one.look)


def _name(path: pathlib.Path) -> str:
    return path.name or path.resolve().name


def check_kind(preview: str) -> None:
    """ValueError where --preview names no kind of file that is known."""
    path = pathlib.Path(preview)
    if f".{preview}" in KINDS or (path.suffix.lower() in KINDS and path.stem):
        return
    raise ValueError(
        f"--preview={preview}: expected a .png or .html file; or png or html alone "
        "for one such file beside each result."
    )


def plan(
    preview: str, source: str, pairs: Sequence[Pair], *, anonymous: bool = False
) -> Previews:
    """Where each scan's preview goes.

    Args:
      preview: what --preview named: a file for one scan; "png" or "html" alone for
        NAME_preview.png or NAME_preview.html beside each result.
      source: what --input named.
      pairs: scans and their results.
      anonymous: name neither of the two files, whose names may be a patient's.

    Raises:
      ValueError: another kind of file, one file for several scans, or one that would
        lie on a scan, on a result or among the scans.
    """
    check_kind(preview)
    path = pathlib.Path(preview)
    if f".{preview}" in KINDS:
        paths = {
            target: target.with_name(f"{without_ending(target)}_preview.{preview}")
            for _, target in pairs
        }
    elif len(pairs) > 1:
        kind = path.suffix[1:].lower()
        raise ValueError(
            f"{source} holds {len(pairs)} scans, but --preview={preview} is one file. "
            f"--preview={kind} writes one beside each result."
        )
    else:
        paths = {pairs[0][1]: path}
    _check(preview, source, pairs, paths)
    return Previews(paths, anonymous)


def _check(
    preview: str,
    source: str,
    pairs: Sequence[Pair],
    paths: Mapping[pathlib.Path, pathlib.Path],
) -> None:
    """ValueError where a preview would lie on another file, or among the scans."""
    taken = {path.resolve() for pair in pairs for path in pair}
    for path in paths.values():
        if path.resolve() in taken or path.is_dir():
            raise ValueError(f"--preview={preview} would overwrite {path}.")
        if path.resolve().is_relative_to(pathlib.Path(source).resolve()):
            raise ValueError(
                f"--preview={preview} would lie within --input={source}, among the "
                "scans. Name another folder."
            )
