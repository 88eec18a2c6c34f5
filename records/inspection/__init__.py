"""What a set of shards holds, for people: tables and a picture."""
