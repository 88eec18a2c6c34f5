"""From scans to files: what is done with what a network says of them."""
