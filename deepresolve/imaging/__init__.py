"""Scans in NumPy: geometry, file formats, intensities, thick slices, phantoms."""
