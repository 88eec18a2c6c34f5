"""Files, machines and processes: nothing of the field."""
