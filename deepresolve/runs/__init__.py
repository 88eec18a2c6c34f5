"""Trained networks and the folders they lie in."""
