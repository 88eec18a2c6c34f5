"""Millimetres of a knee, from label maps; milliseconds, from echoes."""
