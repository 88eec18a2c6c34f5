"""What `benchmarks/environments.py` runs, and where; a table each."""
