"""How well something is detected: numbers, curves and thresholds of probabilities."""
