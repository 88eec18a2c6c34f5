"""What is known of a knee: which tissues it has, and where they can lie."""
