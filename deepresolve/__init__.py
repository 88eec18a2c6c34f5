"""DeepResolve: thin-slice knee MRI out of thick-slice scans, and its cartilage."""

from deepresolve.system import shadowing

if shadowing.is_command():
    shadowing.leave_out_current_folder()  # before anything is imported from there

from deepresolve.system import environment

environment.repair()

__version__ = "0.1.0"
