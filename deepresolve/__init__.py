"""DeepResolve: thin-slice knee MRI out of thick-slice scans, and its cartilage."""

__version__ = "0.1.0"
