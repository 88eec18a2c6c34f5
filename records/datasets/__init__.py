"""Where scans come from.

A dataset is a frozen dataclass of its settings with `subjects(seed) -> Iterator
[Subject]` and `label_names`. To add one, write its module, add its line to `DATASETS`,
and give each setting a flag of the same name in `records/__main__.py`.
"""

from records.datasets.folder import Folder
from records.datasets.phantom import Phantom

DATASETS = {
    "folder": Folder,
    "phantom": Phantom,
}
