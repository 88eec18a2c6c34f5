"""What lies in the current folder is not imported in the place of libraries.

`python -m` searches the current folder first: a user's random.py, keras.py or folder
`tensorflow` there would run instead of what is meant. The package sees to that before
it imports anything else; so nothing is imported here but what Python itself has loaded.
"""

import os
import sys

# Where this package lies; in a clone also train.py and evaluate.py.
_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120


def is_command() -> bool:
    """Whether this process runs one of our commands, as far as can be told at import.

    Our scripts lie beside the package, and that of an installation has its name. While
    Python looks for the module of `python -m` it says "-m" in the place of a script.
    """
    script = sys.argv[0] if sys.argv else ""
    if os.path.basename(script) in ("deepresolve", "deepresolve.exe"):  # noqa: PTH119
        return True
    if script.endswith(".py"):
        return os.path.dirname(os.path.abspath(script)) == _HOME  # noqa: PTH100, PTH120
    return script == "-m" and _module().split(".")[0] in ("deepresolve", "records")


def _module() -> str:
    """What `python -m` is to run: the last of Python's own arguments."""
    argument = sys.orig_argv[-len(sys.argv)]
    return argument.partition("m")[2] if argument.startswith("-") else argument


def what_hides_the_package() -> str | None:
    """That a mere folder of the package's name is found in its place; else None.

    An editable install is found last of all, and then half of it still works: a clone
    of the source, seen from the folder above it, hides it.
    """
    package = sys.modules["deepresolve"]
    if hasattr(package, "__version__"):
        return None
    return (
        f"{next(iter(package.__path__))} hides the package `deepresolve` of {_HOME}. "
        "Start in another folder, or install the package without --editable: pip "
        "install ."
    )


def leave_out_current_folder() -> None:
    """Searches the current folder for nothing, unless it is this package's or script's.

    A script's folder holds modules of its own, wherever it is started.
    """
    try:
        here = os.getcwd()  # noqa: PTH109 (the text that Python puts into the path)
    except OSError:
        return  # gone, and nothing is found there
    kept = [entry for entry in sys.path if entry not in ("", here)]
    script = sys.argv[0] if sys.argv else ""
    is_script = script.endswith(".py")  # "-m" and "-c" are none
    own = os.path.dirname(os.path.abspath(script)) if is_script else _HOME  # noqa: PTH100, PTH120
    is_own = here in (_HOME, own)
    if not is_own and len(kept) < len(sys.path):
        sys.path[:] = kept
        os.environ["PYTHONSAFEPATH"] = "1"  # for processes of ours (Python 3.11)
