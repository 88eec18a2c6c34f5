"""Runs scripts one after the other, each in a process that has TensorFlow already.

Loading it takes seconds and is most of what a short command does. This process loads
it, and Keras, and computes nothing, so that it can be forked: a child is the script as
a user starts it, with its own flags, streams and exit status.

Reads JSON objects, one a line. {"script", "arguments", "output", "errors", "seconds",
"file_bytes", "environment"} starts a script; the process that it is comes back.
"script" is a file, or a module where it does not end in .py. No file grows beyond
"file_bytes". {"wait": process} gives its exit status, negative for a signal, once it
has ended.

With the argument `pinned` the machine is pinned before TensorFlow is loaded, as every
command does.
"""

import json
import os
import pathlib
import runpy
import signal
import sys

if "pinned" in sys.argv:
    # As one of our scripts, for which importing the package mends nothing.
    sys.argv[0] = str(pathlib.Path(__file__).parents[1] / "train.py")
    from deepresolve.system import environment

    environment.pin()

import keras  # noqa: F401
import tensorflow  # noqa: F401


def become(script, arguments, output, errors, seconds, file_bytes=None, environment=()):
    """The script, in this process."""
    signal.alarm(seconds)
    os.environ.update(environment)
    if file_bytes is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, resource.RLIM_INFINITY))
    for path, stream in ((output, 1), (errors, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = [script, *arguments]
    if script.endswith(".py"):
        sys.path[0] = str(pathlib.Path(script).parent)  # as Python does
        runpy.run_path(script, run_name="__main__")
    else:
        runpy.run_module(script, run_name="__main__", alter_sys=True)


sys.path[0] = ""  # the current folder, as for a script that lies there
for line in sys.stdin:
    command = json.loads(line)
    if "wait" in command:
        _, status = os.waitpid(command["wait"], 0)
        print(os.waitstatus_to_exitcode(status), flush=True)
        continue
    child = os.fork()
    if not child:
        become(**command)
        sys.exit()
    print(child, flush=True)
