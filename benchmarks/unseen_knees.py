"""What no network of the package has learned from, to measure on.

Label maps: one real knee's cartilages (MIT), completed as in pretrain_labels.py, so
that its bones, menisci and patella are another knee's, bent; and phantoms of other
seeds. Real scans, which have no reference.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import numpy as np
import pretrain_labels

from deepresolve.imaging import formats
from deepresolve.imaging.formats.choice import Choice
from deepresolve.imaging.volume import Volume
from deepresolve.simulation.phantom import LABEL_NAMES

# Of the images that are painted from them.
SEED = 20261130
_NUM_PHANTOMS = 2
FIRST_PHANTOM = 1000


def maps(folder: pathlib.Path, data: pathlib.Path) -> Iterator[tuple[str, Volume]]:
    """Names and label maps.

    Args:
      folder: keeps the one that takes a minute to complete.
      data: folder of the real label maps.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "oai_labels_b.nii.gz"
    if not path.exists():
        known = pretrain_labels.read(data / "oai_labels_b.nii.gz")
        whole = pretrain_labels.read(data / "knee_dess_labels.nii.gz")
        formats.write(path, pretrain_labels.completed(known, whole))
    yield "oai_labels_b", pretrain_labels.read(path)
    for number in range(_NUM_PHANTOMS):
        labels = pretrain_labels.phantom_labels(FIRST_PHANTOM + number)
        yield f"phantom {number}", labels


def real(data: pathlib.Path) -> Iterator[tuple[str, Volume, Volume]]:
    """Names and scans, and what seg_knee finds in them, labelled as phantoms are.

    Where seg_knee is right was looked at (docs/models.md): who agrees with it does not
    do so by chance, but 100 is no goal.
    """
    from deepresolve.tasks.trained_run import TrainedRun

    trained = TrainedRun.open("pretrained:seg_knee")
    values = {name: value for value, name in LABEL_NAMES.items()}
    names = trained.config.class_names
    table = np.array([0, *(values[name] for name in names)], np.uint8)
    predictor = trained.predictor(min_piece=0.1)
    for name, scan in _scans(data):
        found = predictor.predict(scan).label_map
        yield name, scan, found.with_array(table[found.array])


def _scans(data: pathlib.Path) -> Iterator[tuple[str, Volume]]:
    yield "half a DESS", formats.read_image(data / "knee_dess_half.nii.gz")
    for echo in (1, 2):
        choice = Choice(None, echo, None)
        scan = formats.read_image(data / "knee_mese_dicom", choice=choice)
        yield f"spin echo {echo}", scan
