"""Where scans come from.

A dataset is a frozen dataclass of its settings with `subjects(seed) -> Iterator
[Subject]` and `label_names`. To add one, write its module, add its line to `DATASETS`,
and give each setting a flag of the same name in `records/commands/flags.py`.
"""

from records.datasets.folder import Folder
from records.datasets.iwoai import Iwoai
from records.datasets.oai import Oai
from records.datasets.phantom import Phantom

DATASETS = {
    "folder": Folder,
    "oai": Oai,
    "iwoai": Iwoai,
    "phantom": Phantom,
}
