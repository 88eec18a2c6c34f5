"""The commands of `python -m records`: their flags, and what they do."""
