"""What the readers of a study found, once its key is open."""
