"""What may be chosen for a classification: what all tasks let one choose."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from deepresolve.tasks import options


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options(options.Options):
    """Options of a classification."""

    title: ClassVar[str] = "Classification"
