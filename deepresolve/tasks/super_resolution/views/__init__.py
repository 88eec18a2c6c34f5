"""Super-resolution by views across the slices, which can be learned from one scan."""
