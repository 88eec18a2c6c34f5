"""Where scans come from.

A dataset is a frozen dataclass of its settings with `subjects(seed) -> Iterator
[Subject]`, `brings`, `label_names` and `describe()` (see `records.conversion.Dataset`).
Each setting is declared by `records.settings.setting`, which makes the flag of that
name. To add a dataset, write its module and add its line to `DATASETS`.

The module is imported for `--help`: what takes long to import (nibabel, h5py, SciPy,
TensorFlow) is imported in the methods, or by a module beside it that they import.
"""

from records.datasets.folder import Folder
from records.datasets.iwoai import Iwoai
from records.datasets.mrnet import Mrnet
from records.datasets.oai import Oai
from records.datasets.painted import Painted
from records.datasets.phantom import Phantom
from records.datasets.rois import Rois

DATASETS = {
    "folder": Folder,
    "oai": Oai,
    "iwoai": Iwoai,
    "phantom": Phantom,
    "painted": Painted,
    "mrnet": Mrnet,
    "rois": Rois,
}
