"""Scaling, interpolation and networks over whole scans, as TensorFlow graphs."""
