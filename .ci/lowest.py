"""Prints the lowest versions that setup.py allows, as constraints for pip.

    python .ci/lowest.py addons,test > constraints.txt

Every bound `name>=X` becomes `name==X`; where several bound one package, the highest X
counts. What setup.py does not name, or names without such a bound, is left to pip.
"""

import itertools
import re
import runpy
import sys
from pathlib import Path
from unittest import mock

SETUP = Path(__file__).parent.parent / "setup.py"
# Made for one version of TensorFlow each: they follow TensorFlow's bound.
FOLLOWERS = {"tensorboard", "tensorflow-serving-api"}
NAME = re.compile(r"[\w.-]+")
BOUND = re.compile(r"[>=]=\s*([\d.]+)")


def requirements(extras: str) -> list[str]:
    """What setup.py needs, with these extras (with commas between)."""
    with mock.patch("setuptools.setup") as setup:
        runpy.run_path(str(SETUP))
    said = setup.call_args.kwargs
    chosen = [said["extras_require"][extra] for extra in extras.split(",")]
    return [*said["install_requires"], *itertools.chain(*chosen)]


def lowest(needed: list[str]) -> dict[str, str]:
    """The lowest version of each package that the requirements allow."""
    found = {}
    for requirement in needed:
        name = NAME.match(requirement)[0]
        bound = BOUND.search(requirement)
        if bound and name not in FOLLOWERS:
            found[name] = max(found.get(name, "0"), bound[1], key=_as_numbers)
    return found


def _as_numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def main(extras: str) -> None:
    """Prints a line a package."""
    for name, version in sorted(lowest(requirements(extras)).items()):
        print(f"{name}=={version}")


if __name__ == "__main__":
    main(sys.argv[1])
