"""Milliseconds, from echoes: fits, maps of them, and where they lie in cartilage."""
