"""Who writes the shards of a conversion. One shard is one unit of work.

A runner is a frozen dataclass of its settings with `run(work, plans, advance) ->
Iterator[Outcome]`, which does `work(plan)` for every plan, gives what becomes of them
in any order, tells `advance` the number of scans that are done since it last did, and
raises an OSError of any. To add one, write its module, add its line to
`RUNNERS`, and give each setting a flag of the same name in `records/__main__.py`.
"""

from records.runners.beam import Beam
from records.runners.pool import ProcessPool

RUNNERS = {
    "pool": ProcessPool,
    "beam": Beam,
}
