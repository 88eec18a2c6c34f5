"""What networks learn, a folder each."""
