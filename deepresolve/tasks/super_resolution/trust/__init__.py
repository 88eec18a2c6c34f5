"""What a report on trust says of thin slices."""
