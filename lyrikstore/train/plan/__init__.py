"""What a run will take, said before its first step (spec §13.10)."""
