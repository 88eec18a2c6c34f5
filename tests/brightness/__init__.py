"""A toy task: whether a scan is bright as a whole.

All that one task is, in one folder; `TASKS["brightness"] = "brightness"` registers it.
"""
