"""Label maps: what their values mean, and picking and merging of classes.

A scan's labels are small whole numbers whose meaning stands in a table of names. What
a network segments are its classes: 0 is the background, 1, 2, ... are the classes of
the run in their order, each made of one label or of several merged ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from deepresolve.system.tables import normal

# What the name of a file or of a curve had better not hold.
_UNSAFE = re.compile(r"[^\w.-]+")
_NUM_VALUES = 256  # of a uint8 label
_COUNTED_AT_ONCE = 2**20
_EXAMPLE = "'1=femoral cartilage,2=patellar cartilage'"


def parse_label_names(text: str) -> dict[int, str]:
    """Reads a table of names as it is written on a command line.

    Args:
      text: "1=femoral cartilage,2=patellar cartilage".

    Returns:
      Name by label value, in the order of the values.

    Raises:
      ValueError: an entry is not VALUE=NAME, a value is not in 1..255, a name is empty
        or holds "=" or "+", or a value or name comes twice.
    """
    names: dict[int, str] = {}
    for entry in normal(text).split(","):
        value, name = _parse_entry(entry)
        if value in names:
            raise ValueError(f"The label {value} has two names: {text!r}.")
        if name in names.values():
            raise ValueError(
                f"Two labels are named {name!r}: {text!r}. Give them names of their "
                "own; a class can merge them later."
            )
        names[value] = name
    return dict(sorted(names.items()))


def format_label_names(label_names: Mapping[int, str]) -> str:
    """The text that `parse_label_names` reads."""
    return ",".join(f"{value}={name}" for value, name in label_names.items())


def _parse_entry(entry: str) -> tuple[int, str]:
    """The value and the name of one VALUE=NAME."""
    value, _, name = (part.strip() for part in entry.partition("="))
    if not value.isdecimal() or not name:
        raise ValueError(
            "Label names are VALUE=NAME with commas between, each VALUE a whole "
            f"number, such as {_EXAMPLE}; got {entry.strip()!r}."
        )
    if not 0 < int(value) < _NUM_VALUES:
        raise ValueError(
            f"Named labels are 1 to 255 (0 is background); got {entry.strip()!r}."
        )
    if "=" in name or "+" in name:
        hint = " Put commas between entries, no semicolons." if ";" in name else ""
        raise ValueError(
            f"A label's name must hold neither = nor +; got {name!r}.{hint}"
        )
    return int(value), name


def count_values(array: np.ndarray) -> np.ndarray:
    """How many voxels have each label value.

    Args:
      array: uint8 labels of any shape.

    Returns:
      (256,) int64.
    """
    flat = array.ravel()
    counts = np.zeros(_NUM_VALUES, np.int64)
    # A part at a time, for bincount makes 8 bytes of each voxel.
    for start in range(0, flat.size, _COUNTED_AT_ONCE):
        part = flat[start : start + _COUNTED_AT_ONCE]
        counts += np.bincount(part, minlength=_NUM_VALUES)
    return counts


def check_values(array: np.ndarray, label_names: Mapping[int, str]) -> None:
    """Refuses labels that are not in the table of names; 0 needs no name.

    Args:
      array: uint8 labels of any shape.
      label_names: name by value.

    Raises:
      ValueError: there are such labels; the message counts their voxels.
    """
    counts = count_values(array)
    unnamed = [n for n in np.flatnonzero(counts).tolist() if n and n not in label_names]
    if unnamed:
        found = ", ".join(f"{value} ({counts[value]} voxels)" for value in unnamed)
        named = format_label_names(label_names) or "none"
        raise ValueError(
            f"The label map holds values without a name: {found}; named are: {named}. "
            "Name them too, or set these voxels to 0."
        )


def class_sources(classes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The labels that each class is made of.

    Args:
      classes: each "NAME", a label of that name, or "NEW=NAME+NAME", which merges.

    Returns:
      Names of labels by name of class, in the order of `classes`.

    Raises:
      ValueError: there are no classes, one is not written like that, a class or label
        comes twice, or two names differ in signs or case alone.
    """
    if not classes:
        raise ValueError("A segmentation needs at least one class.")
    sources: dict[str, tuple[str, ...]] = {}
    for entry in classes:
        name, labels = _parse_class(entry)
        if name in sources:
            raise ValueError(f"The class {name!r} comes twice in {tuple(classes)}.")
        sources[name] = labels
    if len({slug(name).lower() for name in sources}) < len(sources):
        raise ValueError(
            f"Two of the classes {tuple(sources)} differ in signs or case alone: their "
            "files and curves would have one name. Rename one: NEW=NAME."
        )
    uses = Counter(label for labels in sources.values() for label in labels)
    if repeated := [label for label, count in uses.items() if count > 1]:
        raise ValueError(
            f"Labels {repeated} are part of two classes, or twice of one, in "
            f"{tuple(classes)}. A label belongs to one class, once."
        )
    return sources


def slug(name: str) -> str:
    """The name of a class as part of a file's name or of a curve's."""
    return _UNSAFE.sub("_", name)


def _parse_class(entry: str) -> tuple[str, tuple[str, ...]]:
    """The name of a class and of its labels."""
    name, merges, merged = (part.strip() for part in normal(entry).partition("="))
    labels = tuple(part.strip() for part in merged.split("+")) if merges else (name,)
    if not name or "+" in name or not all(labels) or "=" in merged:
        raise ValueError(f"A class is NAME or NEW=NAME+NAME; got {entry!r}.")
    return name, labels


def lookup_table(classes: Sequence[str], label_names: Mapping[int, str]) -> np.ndarray:
    """The class of each label value, for `table[labels]`.

    Args:
      classes: each "NAME", a label of that name, or "NEW=NAME+NAME", which merges.
      label_names: name by label value.

    Returns:
      (256,) uint8: 0 for background, n for the n-th class, counted from 1.

    Raises:
      ValueError: a class uses a name that the labels do not have.
    """
    values = {normal(name): value for value, name in label_names.items()}
    table = np.zeros(_NUM_VALUES, np.uint8)
    for number, (name, labels) in enumerate(class_sources(classes).items(), start=1):
        for label in labels:
            if label not in values:
                raise ValueError(_unknown_label(name, label, values))
            table[values[label]] = number
    return table


def _unknown_label(name: str, label: str, known: Collection[str]) -> str:
    problem = f"The class {name!r} needs labels named {label!r}; the records "
    if known:
        return f"{problem}have: {', '.join(known)}."
    return (
        f"{problem}have no named labels. Convert the scans with --labels and "
        f"--label_names={_EXAMPLE}."
    )
