"""Who writes the shards of a conversion. One shard is one unit of work.

A runner is a frozen dataclass of its settings with `run(work, plans, advance) ->
Generator[Outcome]`, which does `work(plan)` for every plan, gives what becomes of them
in any order, tells `advance` the number of scans that are done since it last did, and
raises an OSError of any. Each setting is declared by `records.settings.setting`, which
makes the flag of that name. To add one, write its module and add its line to `RUNNERS`.
As a dataset's, the module is imported for `--help`.
"""

from records.runners.beam import Beam
from records.runners.pool import ProcessPool

RUNNERS = {
    "pool": ProcessPool,
    "beam": Beam,
}
