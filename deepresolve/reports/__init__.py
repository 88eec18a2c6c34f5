"""Slices of scans as pictures: planes, panels, figures and pages of them."""
