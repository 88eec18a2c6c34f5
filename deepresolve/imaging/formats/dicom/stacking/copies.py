"""Files that hold one and the same image, as after an export that was done twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from deepresolve.imaging.formats.dicom.slice_header import SliceHeader


def without(
    headers: Sequence[SliceHeader],
    same_content: Callable[[str, str], bool],
    source: str,
) -> tuple[list[SliceHeader], list[str]]:
    """Takes each image once.

    Args:
      headers: of all files, whole files together.
      same_content: whether two files hold the same image.
      source: the folder or zip, for messages.

    Returns:
      The headers without copies, and the names of the files that are copies.

    Raises:
      ValueError: two files have one SOPInstanceUID and other content.
    """
    first_of: dict[tuple[Hashable, ...], str] = {}
    copies: list[str] = []
    places: dict[str, list[tuple[float, ...]]] = {}
    for header in headers:
        places.setdefault(header.file, []).append(header.position_mm)
    uid_of = {header.file: header.instance_uid for header in headers}
    for file, uid in uid_of.items():
        # An anonymiser may write one UID for all, but an image has one place.
        key = (uid, *places[file])
        if not uid or first_of.setdefault(key, file) == file:
            continue
        if not same_content(first_of[key], file):
            raise ValueError(
                f"{source}: {first_of[key]} and {file} have one SOPInstanceUID "
                f"(0008,0018), {uid}, and differ in their content. Which of the two is "
                "the image is not to be told: move the wrong one away, or export the "
                "series again."
            )
        copies.append(file)
    return [header for header in headers if header.file not in copies], copies
